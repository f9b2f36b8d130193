"""The monitoring of a whole stack: what is watched follows from which modules it has."""

from __future__ import annotations

from archesai_infra.components import migrations
from archesai_infra.components.api import NAME as API
from archesai_infra.components.api import watch as api
from archesai_infra.components.backups import watch as backups
from archesai_infra.components.base.connections import Connections
from archesai_infra.components.base.watch.model import Watch
from archesai_infra.components.base.watch.requests import RequestSeries
from archesai_infra.components.database import ClusterDatabase
from archesai_infra.components.database import alerts as database_alerts
from archesai_infra.components.database import watch as database
from archesai_infra.components.database.cluster import watch as cluster
from archesai_infra.components.ingress import watch as ingress
from archesai_infra.components.ingress.exposure import Exposure
from archesai_infra.components.monitoring import grafana
from archesai_infra.components.monitoring import watch as own
from archesai_infra.components.monitoring.component import MonitoringArgs, dashboard_name
from archesai_infra.components.monitoring.prometheus import NODE_NAMESPACE
from archesai_infra.components.monitoring.releases import ReleasesArgs
from archesai_infra.components.monitoring.watched import Watched
from archesai_infra.components.redis import watch as redis
from archesai_infra.components.storage import ManagedStorage, users
from archesai_infra.components.storage import metrics as storage_metrics
from archesai_infra.components.storage import watch as storage
from archesai_infra.credentials import Credentials
from archesai_infra.stack.settings import Settings


def watches(settings: Settings, connections: Connections, instance: str) -> tuple[Watch, ...]:
    """What the components bring, in the order of the rules: the api, the cluster, the servers, the rest."""
    seen = settings.monitoring
    first = _api(settings, instance)
    servers = _servers(settings, connections, instance)
    others = [own.releases(seen)]
    if settings.ingress.enabled:
        namespaces = (settings.namespace, *((seen.namespace,) if seen.installs else ()))
        days = seen.alerts.certificate_days
        others.append(ingress.watch(settings.ingress, settings.namespace, namespaces, days))
    if settings.backups.enabled:
        others.append(backups.watch(settings.backups))
    watched = Watched(settings.namespace, seen, (first, *servers, *others))
    return (first, own.cluster(watched), *servers, *others, own.itself(seen, settings.namespace))


def _api(settings: Settings, instance: str) -> Watch:
    return api.watch(
        settings.namespace,
        instance,
        settings.monitoring.objectives,
        requests=_api_requests(settings),
        scraped=scrapes_api(settings),
        database_job=database_alerts.JOB if settings.exports_database else None,
    )


def scrapes_api(settings: Settings) -> bool:
    """Whether the api's own metrics are read; a process on the developer's machine is not."""
    return settings.api.runs_pods and settings.monitoring.metrics.api


def _api_requests(settings: Settings) -> RequestSeries | None:
    """Where the api's requests are counted: by itself, or by the controller in front of it."""
    if scrapes_api(settings):
        return api.own_requests(settings.namespace)
    exposed = settings.url("api") is not None
    return ingress.requests(settings.ingress, settings.namespace, API) if exposed else None


def _servers(settings: Settings, connections: Connections, instance: str) -> list[Watch]:
    """The modules behind the api."""
    namespace, seen = settings.namespace, settings.monitoring
    found: list[Watch] = []
    if connections.database is not None and settings.exports_database:
        found.append(database.watch(connections.database, seen.database_exporter, namespace, instance))
    if isinstance(settings.database, ClusterDatabase) and settings.database.enabled:
        pooled = settings.database.pools is not None
        found.append(cluster.watch(settings.database.cluster, namespace, pooler=pooled))
    if connections.redis is not None:
        found.append(redis.watch(connections.redis, seen.redis_exporter, namespace, instance))
    if isinstance(settings.storage, ManagedStorage) and connections.storage is not None:
        served = storage_metrics.served(settings.storage)
        reader = connections.storage.connection(users.PROMETHEUS) if served else None
        found.append(storage.watch(settings.storage, reader, namespace, instance))
    if settings.migrates_by_job:
        found.append(migrations.watch(namespace))
    return found


def monitored(settings: Settings) -> tuple[str, ...]:
    """The namespaces where the stack and its charts make monitors and rules."""
    seen, velero = settings.monitoring, settings.backups.velero
    nodes = (NODE_NAMESPACE,) if seen.metrics.nodes else ()
    backed_up = (velero.namespace,) if settings.backups.enabled and velero.install else ()
    return (settings.namespace, seen.namespace, *nodes, *backed_up)


def grafana_exposure(settings: Settings) -> Exposure | None:
    """Grafana's host, where the stack runs it and it has one."""
    if settings.url("grafana") is None:
        return None
    host = f"{settings.ingress.hosts.grafana}.{settings.domain}"
    return Exposure("grafana", host, grafana.SERVICE, grafana.PORT)


def arguments(settings: Settings, credentials: Credentials, connections: Connections, instance: str) -> MonitoringArgs:
    """What the component is built from, out of a stack's settings and its services' connections."""
    store, logs = connections.storage, settings.monitoring.logs_in_object_storage
    parts = watches(settings, connections, instance)
    releases = ReleasesArgs(
        settings.monitoring,
        credentials,
        settings.charts,
        settings.ingress,
        monitored=monitored(settings),
        dashboards={page.key: dashboard_name(page) for part in parts for page in part.dashboards},
        grafana=grafana_exposure(settings),
        grafana_url=settings.url("grafana"),
        storage=settings.storage,
        storage_connection=store.connection(users.LOGS) if store and logs else None,
        secrets=tuple(secret.name for part in parts for secret in part.secrets),
    )
    return MonitoringArgs(settings.monitoring, releases, parts)
