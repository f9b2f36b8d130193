"""The monitoring of a whole stack: what is watched follows from which modules it has."""

from __future__ import annotations

from archesai_infra.components.base.connections import Connections
from archesai_infra.components.ingress.exposure import Exposure
from archesai_infra.components.monitoring import prometheus_stack, storage_metrics
from archesai_infra.components.monitoring.component import MonitoringArgs
from archesai_infra.components.monitoring.releases import ReleasesArgs
from archesai_infra.components.monitoring.watched import Watched
from archesai_infra.credentials import Credentials
from archesai_infra.stack.settings import Settings


def watched(settings: Settings) -> Watched:
    """What a stack's monitoring watches; a server on the developer's machine is not watched."""
    ingress = settings.ingress
    controller = "traefik" if ingress.controller.install else ingress.class_name
    pods = ingress.controller_pods if ingress.enabled and controller in ("traefik", "nginx") else None
    return Watched(
        namespace=settings.namespace,
        settings=settings.monitoring,
        api=settings.api.runs_pods and settings.monitoring.metrics.api,
        api_exposed=settings.url("api") is not None,
        database=settings.database.enabled,
        redis=settings.redis.enabled,
        storage=settings.storage.enabled and settings.storage.mode == "managed",
        storage_metrics=storage_metrics.served(settings.storage),
        migrations=settings.migrates_by_job,
        ingress=controller if pods else None,
        ingress_namespace=pods.namespace if pods else None,
        certificates=ingress.enabled and ingress.tls.enabled and ingress.tls.issuer is not None,
        certificates_namespace=ingress.cert_manager.namespace,
        velero_namespace=settings.backups.velero.namespace if settings.backups.enabled else None,
        installs_velero=settings.backups.velero.install,
    )


def grafana_exposure(settings: Settings) -> Exposure | None:
    """Grafana's host, where the stack runs it and it has one."""
    if settings.url("grafana") is None:
        return None
    host = f"{settings.ingress.hosts.grafana}.{settings.domain}"
    return Exposure("grafana", host, prometheus_stack.GRAFANA_SERVICE, prometheus_stack.GRAFANA_PORT)


def arguments(settings: Settings, credentials: Credentials, connections: Connections) -> MonitoringArgs:
    """What the component is built from, out of a stack's settings and its services' connections."""
    releases = ReleasesArgs(
        settings.monitoring,
        credentials,
        settings.charts,
        settings.ingress,
        grafana=grafana_exposure(settings),
        grafana_url=settings.url("grafana"),
        storage=settings.storage,
        storage_connection=connections.storage,
    )
    return MonitoringArgs(
        watched(settings),
        releases,
        controller=settings.ingress.controller_pods,
        cert_manager_namespace=settings.ingress.cert_manager.namespace,
        database=connections.database,
        redis=connections.redis,
    )
