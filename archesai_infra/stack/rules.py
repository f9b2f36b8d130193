"""The rules between modules and between settings and credentials, each with its cure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from archesai_infra.components import api, database, redis, security, storage
from archesai_infra.components.database.cluster import rules as cluster_rules
from archesai_infra.components.monitoring import settings as monitoring
from archesai_infra.credentials import Credential
from archesai_infra.kube.workloads import TOLERANCE_MINOR
from archesai_infra.stack import archive, backups, external, gitops, posture
from archesai_infra.stack.namespaces import chart_namespaces
from archesai_infra.stack.settings import Settings


def problems(settings: Settings, given: Mapping[Credential, object]) -> list[str]:
    """What does not fit together, each as `key: problem and cure`; empty where there is none."""
    found = [
        *_dependencies(settings),
        *_hosts(settings),
        *_namespaces(settings),
        *_free_settings(settings),
        *_api_server(settings),
        *_newer_servers(settings),
        *_connections(settings),
        *posture.problems(settings),
    ]
    known = {**given, **dict.fromkeys(external.supplied(settings))}
    found += external.requirements(settings, given)
    if settings.database.enabled:
        found += database.requirements(settings.database, known)
        found += _database_cluster(settings)
    found += archive.requirements(settings, known)
    if settings.redis.enabled:
        found += redis.requirements(settings.redis, known)
    if settings.storage.enabled:
        found += storage.requirements(settings.storage, known)
    if settings.api.enabled:
        found += api.requirements(settings.api, known)
    if settings.backups.enabled:
        found += backups.requirements(settings, known)
    if settings.monitoring.enabled:
        found += monitoring.requirements(settings.monitoring, known)
        found += _receivers(settings, known)
    if settings.gitops.enabled:
        found += gitops.requirements(settings, given)
    return found + security.requirements(settings.security, known)


def contested(settings: Settings, secret_settings: Mapping[str, object]) -> Iterator[str]:
    """Secret settings of the api that something else sets too."""
    plain, references = api.flatten(settings.api.settings), settings.api.secret_settings
    if secret_settings and settings.secrets.external:
        yield "apiSecretSettings: with secrets.external no secret is in a stack file: use api.secretSettings"
    for path in sorted(secret_settings):
        if path in api.OWNED:
            yield f"apiSecretSettings: {path}: set by other settings of the stack; remove it here"
        elif path in plain or path in references:
            place = "settings" if path in plain else "secretSettings"
            yield f"apiSecretSettings: {path}: is also in api.{place}; keep only one"


def _api_server(settings: Settings) -> Iterator[str]:
    askers = {
        "api.kubernetesAccess": settings.api.enabled and settings.api.kubernetes_access,
        "database.mode cluster": settings.database_cluster is not None,
    }
    for asker, asks in askers.items():
        if asks and not settings.cluster.api_server_peers:
            context = settings.cluster.context or "<context>"
            yield (
                f"cluster.apiServer: {asker} needs the API server's addresses: kubectl --context {context} --namespace "
                "default get service,endpointslices --selector 'kubernetes.io/service-name=kubernetes'; or, where "
                "Cilium enforces network policies, set cluster.cilium to true"
            )
            return


def _newer_servers(settings: Settings) -> Iterator[str]:
    for key, module in {"api": settings.api, "platform": settings.platform}.items():
        if module.autoscaling.tolerance is not None and settings.cluster.minor < TOLERANCE_MINOR:
            yield (
                f"{key}.autoscaling.tolerance: needs Kubernetes 1.{TOLERANCE_MINOR}: set cluster.kubernetesVersion, "
                "or remove it"
            )


def _database_cluster(settings: Settings) -> Iterator[str]:
    own = settings.database
    if isinstance(own, database.ExternalDatabase) and own.destination is not None:
        yield from cluster_rules.problems(own.destination)
    moves = settings.database_cluster is not None and isinstance(own, database.ExternalDatabase)
    came = isinstance(own, database.ClusterDatabase) and own.moved_from is not None
    if settings.secrets.external and (moves or came):
        key = "cluster" if moves else "movedFrom"
        yield f"database.{key}: a move by the command takes no passwords from secrets.external: move by a dump"
    if not isinstance(own, database.ClusterDatabase):
        return
    yield from cluster_rules.problems(own)
    if own.pools is not None and settings.api.enabled and settings.migrations.mode == "startup":
        yield (
            "database.pooler: the api migrates at its start, with a lock that a pooler does not keep: set "
            "migrations.mode to job"
        )


def _receivers(settings: Settings, given: Mapping[Credential, object]) -> Iterator[str]:
    alerts = settings.monitoring.alerts
    heard = (
        alerts.unattended or alerts.existing_secret is not None or any(key in given for key in monitoring.NOTIFICATIONS)
    )
    if settings.production and settings.monitoring.installs and not heard:
        yield (
            "monitoring.alerts: alerts notify nobody in production: arches config set alertSlackUrl or "
            "alertWebhookUrl, set monitoring.alerts.email, or accept it with monitoring.alerts.unattended"
        )


def _dependencies(settings: Settings) -> Iterator[str]:
    if settings.api.enabled and not settings.database.enabled:
        yield "database.enabled: the api needs the database: set it to true, or api.enabled to false"
    if settings.platform.enabled and not settings.api.enabled:
        yield "api.enabled: the platform needs the api: set it to true, or platform.enabled to false"
    if settings.restoring and not settings.backups.enabled:
        yield _needs("restoring", "backups")
    if settings.monitoring.logs_in_object_storage:
        yield from _logs_in_object_storage(settings)


_OPERATIONS = 15
"""Connections that the exporter, a dump, a restore, a migration and a person at psql need."""


def _connections(settings: Settings) -> Iterator[str]:
    """The api's pools must leave room for operations; a pool of unknown size cannot be judged."""
    pool = api.flatten(settings.api.settings).get("database.maxConns")
    own = settings.database
    if not (isinstance(pool, int) and settings.api.enabled and isinstance(own, database.DatabasePod)):
        return
    scaling = settings.api.autoscaling
    pods = (scaling.max_replicas if scaling.enabled else settings.api.replicas) + 1  # one more while a rollout goes on
    if isinstance(own, database.ClusterDatabase) and own.pools is not None:
        yield from _pooled(pods, pool, own.pools)
        return
    key, postgres = "database.postgres", own.postgres
    if isinstance(own, database.ClusterDatabase) and not own.serves_from_single_pod:
        key, postgres = "database.cluster.postgres", own.cluster.postgres
    most = postgres.max_connections
    if pods * pool + _OPERATIONS > most:
        yield (
            f"{key}.maxConnections: {pods} pods of the api with api.settings.database.maxConns {pool} and "
            f"{_OPERATIONS} connections of operations need {pods * pool + _OPERATIONS} (got {most})"
        )


def _pooled(pods: int, pool: int, pooler: database.Pooler) -> Iterator[str]:
    """One pod of the pooler takes all clients while the others are replaced."""
    if pods * pool > pooler.max_clients:
        yield (
            f"database.pooler.maxClients: {pods} pods of the api with api.settings.database.maxConns {pool} need "
            f"{pods * pool} (got {pooler.max_clients})"
        )


def _logs_in_object_storage(settings: Settings) -> Iterator[str]:
    if not settings.storage.enabled:
        yield _needs("monitoring.logs.storage", "storage")
    elif (
        settings.storage.mode == "external"
        and settings.storage.existing_secret is not None
        and settings.monitoring.logs.existing_secret is None
    ):
        yield (
            "monitoring.logs.existingSecret: the storage's keys are in a Secret that others made: "
            "copy it into the monitoring namespace and name it here"
        )


def _hosts(settings: Settings) -> Iterator[str]:
    hosts = settings.ingress.hosts
    for module in sorted(hosts.model_fields_set):
        if hosts.of(module) is None or not settings.ingress.enabled:
            continue
        if module == "grafana" and not settings.monitoring.installs:
            yield "ingress.hosts.grafana: needs a Grafana: set monitoring.enabled to true, or remove the key"
        elif module != "grafana" and not settings.modules[module]:
            yield _needs(f"ingress.hosts.{module}", module)
        elif module == "storage" and settings.storage.mode == "external":
            yield "ingress.hosts.storage: an external storage has an address of its own; remove the host"
    if settings.monitoring.installs and settings.monitoring.grafana.oidc and settings.url("grafana") is None:
        yield (
            "monitoring.grafana.oidc: the provider sends browsers back to Grafana's host: "
            "set ingress.enabled to true and ingress.hosts.grafana"
        )
    public = isinstance(settings.storage, storage.ManagedStorage) and settings.storage.public_endpoint
    if public and settings.storage.enabled and settings.url("storage") is None:
        yield "storage.publicEndpoint: needs a host: set ingress.enabled to true and ingress.hosts.storage"
    yield from _shared_hosts(settings)


def _shared_hosts(settings: Settings) -> Iterator[str]:
    modules: dict[str, list[str]] = {}
    for module, host in settings.ingress.hosts.model_dump().items():
        if settings.url(module) is not None:
            modules.setdefault(host, []).append(module)
    for host, sharing in modules.items():
        if len(sharing) > 1:
            yield f"ingress.hosts.{sharing[1]}: {sharing[0]} has the same host; give each its own (got {host})"


def _needs(key: str, module: str) -> str:
    return f"{key}: needs module {module}, which is off: set {module}.enabled to true, or remove the key"


def _free_settings(settings: Settings) -> Iterator[str]:
    owners = {
        "redis": "redis",
        "storage": "storage",
        "intelligence.scraper": "scraper",
        "intelligence.unstructured": "unstructured",
    }
    for path in sorted({*api.flatten(settings.api.settings), *settings.api.secret_settings}):
        for prefix, module in owners.items():
            if path.startswith(f"{prefix}.") and not settings.modules[module]:
                yield _needs(f"api.settings.{path}", module)


def _namespaces(settings: Settings) -> Iterator[str]:
    taken = {settings.namespace: "namespace"}
    for key, name in chart_namespaces(settings).items():
        if name in taken:
            yield f"{key}: must not be the same as {taken[name]} (got {name})"
        taken[name] = key
