"""Who talks to whom: the one list that network policies, the graph and the tests are made from."""

from __future__ import annotations

from collections.abc import Iterator

from archesai_infra.components import api, database, migrations, platform, redis, scraper, storage, unstructured
from archesai_infra.components.backups import archive_drill, objects
from archesai_infra.components.backups.settings import MODULE as BACKUPS
from archesai_infra.components.base.settings import RunOnHost
from archesai_infra.components.database import exporter as database_exporter
from archesai_infra.components.database.cluster import network as cluster_network
from archesai_infra.components.database.cluster.settings import ClusterSettings
from archesai_infra.components.redis import exporter as redis_exporter
from archesai_infra.components.storage import metrics as storage_metrics
from archesai_infra.kube.network import API_PORTS, Addresses, Flow, NamespacePods, Peer, Pods, internet
from archesai_infra.stack import backups
from archesai_infra.stack.settings import Settings


def flows(settings: Settings) -> tuple[Flow, ...]:
    """Every connection that a stack's modules need; all else is denied."""
    return (*_inside(settings), *_outward(settings), *_inward(settings), *_backups(settings), *_monitoring(settings))


def _inside(settings: Settings) -> Iterator[Flow]:
    if settings.api.runs_pods:
        yield from _from_api(settings)
    if settings.platform.runs_pods and settings.api.enabled:
        yield _flow(platform.MODULE, api.MODULE, api.PORT, settings.api.run_on_host)
    if settings.migrates_by_job:
        yield from database_flows(settings, migrations.MODULE)
    if settings.redis.enabled and isinstance(settings.redis, redis.ReplicatedRedis):
        yield from (Flow(Pods(part), Pods(redis.SERVERS), redis.GROUP_PORTS) for part in (redis.SERVERS, redis.PROXY))
    if settings.storage.enabled and settings.storage.mode == "managed":
        yield Flow(Pods(storage.BUCKET_MODULE), Pods(storage.MODULE), (storage.PORT,))
    if settings.database_cluster is not None:
        yield from _cluster(settings, settings.database_cluster)
    if isinstance(settings.database, database.ClusterDatabase) and settings.database.keeps_single_pod:
        # The way of its data: a cluster fetches what it begins with.
        members = cluster_network.members(settings.database.cluster)
        yield Flow(members, Pods(database.MODULE), (database.PORT,))
    if isinstance(settings.database, database.ExternalDatabase) and settings.database_cluster is not None:
        yield from _outside(cluster_network.members(settings.database_cluster), "database", settings.database)


def _cluster(settings: Settings, own: ClusterSettings) -> Iterator[Flow]:
    for cluster in own.all:
        yield from cluster_network.flows(cluster, settings.cluster.api_server_peers)
        if own.archive.enabled:
            port = settings.backups.endpoint_port
            yield Flow(cluster_network.members(cluster), backups.bucket_peer(settings), (port,))


def _from_api(settings: Settings) -> Iterator[Flow]:
    source = api.MODULE
    if _pools(settings):
        yield Flow(Pods(source), cluster_network.poolers(), (cluster_network.PORT,))
    elif settings.database.enabled:
        yield from database_flows(settings, source)
    if settings.redis.enabled:
        yield from redis_flows(settings, source)
    if settings.storage.enabled:
        yield from storage_flows(settings, source)
    if settings.scraper.enabled:
        yield Flow(Pods(source), Pods(scraper.MODULE), (scraper.PORT,))
    if settings.unstructured.enabled:
        yield Flow(Pods(source), Pods(unstructured.MODULE), (unstructured.PORT,))


def database_flows(settings: Settings, source: str) -> Iterator[Flow]:
    """From a component's pods to the database, wherever that is."""
    if isinstance(settings.database, database.ExternalDatabase):
        yield from _outside(Pods(source), "database", settings.database)
    elif isinstance(settings.database, database.ManagedDatabase):
        yield _flow(source, database.MODULE, database.PORT, settings.database.run_on_host)
    elif settings.database.serves_from_single_pod:
        yield Flow(Pods(source), Pods(database.MODULE), (database.PORT,))
    else:
        for cluster in settings.database.cluster.all:
            yield Flow(Pods(source), cluster_network.instances(cluster), (database.PORT,))


def _pools(settings: Settings) -> bool:
    """Whether the api talks to the database through a pooler."""
    return isinstance(settings.database, database.ClusterDatabase) and settings.database.pools is not None


def redis_flows(settings: Settings, source: str) -> Iterator[Flow]:
    """From a component's pods to redis, wherever that is."""
    if isinstance(settings.redis, redis.ExternalRedis):
        yield from _outside(Pods(source), "redis", settings.redis)
    elif isinstance(settings.redis, redis.ReplicatedRedis):
        yield Flow(Pods(source), Pods(redis.PROXY), (redis.PORT,))
    else:
        yield _flow(source, redis.MODULE, redis.PORT, settings.redis.run_on_host)


def storage_flows(settings: Settings, source: str) -> Iterator[Flow]:
    """From a component's pods to the object storage, wherever that is."""
    yield from flows_to_storage(settings, Pods(source))


def flows_to_storage(settings: Settings, source: Peer) -> Iterator[Flow]:
    """From any pods to the object storage, wherever that is."""
    if isinstance(settings.storage, storage.ExternalStorage):
        yield from _outside(source, "storage", settings.storage)
    else:
        yield Flow(source, Pods(storage.MODULE), (storage.PORT,))


External = database.ExternalDatabase | redis.ExternalRedis | storage.ExternalStorage


def _outside(source: Peer, name: str, server: External) -> Iterator[Flow]:
    """To addresses of a server outside the stack, and to the pods that they stand for where it is in the cluster."""
    if server.cidrs:
        yield Flow(source, Addresses(name, server.cidrs), (server.port,))
    if server.service is not None:
        yield Flow(source, server.service.pods, (server.service.port or server.port,))


def _flow(source: str, target: str, port: int, host: RunOnHost | None) -> Flow:
    """To pods, or to the process on the developer's machine in their place."""
    if host is None:
        return Flow(Pods(source), Pods(target), (port,))
    bits = 128 if ":" in host.ip else 32
    return Flow(Pods(source), Addresses(f"{target} on the host", (f"{host.ip}/{bits}",)), (host.port,))


def _outward(settings: Settings) -> Iterator[Flow]:
    public = internet(settings.security.private_cidrs)
    if settings.api.runs_pods:
        yield Flow(Pods(api.MODULE), public, (443,))
        for egress in settings.api.egress:
            yield Flow(Pods(api.MODULE), egress.peer("api.egress"), egress.ports)
        if settings.api.kubernetes_access:
            yield from (Flow(Pods(api.MODULE), peer, API_PORTS) for peer in settings.cluster.api_server_peers)
    if settings.scraper.enabled:
        yield Flow(Pods(scraper.MODULE), public, (80, 443))


def _inward(settings: Settings) -> Iterator[Flow]:
    if not settings.ingress.enabled:
        return
    targets = ((settings.api, api), (settings.platform, platform), (settings.storage, storage))
    for part, component in targets:
        if settings.url(component.MODULE) is not None and part.runs_pods:
            module, port = component.MODULE, component.PORT
            let_in = (*settings.ingress.controller_peers, *settings.ingress.controller_entities)
            yield from (Flow(peer, Pods(module), (port,)) for peer in let_in)


def _backups(settings: Settings) -> Iterator[Flow]:
    dumped = backups.dumps(settings)
    if "database" in dumped:
        yield from database_flows(settings, BACKUPS)
    if "redis" in dumped:
        yield from redis_flows(settings, BACKUPS)
    if not settings.backups.enabled:
        return
    if backups.drills_archive(settings):
        yield from database_flows(settings, archive_drill.MODULE)
        yield Flow(Pods(archive_drill.MODULE), backups.bucket_peer(settings), (settings.backups.endpoint_port,))
    own = backups.in_own_storage(settings)
    if backups.copies_objects(settings):
        yield from storage_flows(settings, objects.MODULE)
        if not own:
            yield Flow(Pods(objects.MODULE), backups.bucket_peer(settings), (settings.backups.endpoint_port,))
    if own:
        yield Flow(NamespacePods(settings.backups.velero.namespace), Pods(storage.MODULE), (storage.PORT,))


def _monitoring(settings: Settings) -> Iterator[Flow]:
    if not settings.monitoring.enabled:
        return
    prometheus = settings.monitoring.prometheus_pods
    if settings.api.runs_pods and settings.monitoring.metrics.api:
        yield Flow(prometheus, Pods(api.MODULE), (api.PORT,))
    if settings.exports_database:
        yield Flow(prometheus, Pods(database_exporter.EXPORTER), (database_exporter.EXPORTER_PORT,))
        yield from database_flows(settings, database_exporter.EXPORTER)
    for cluster in settings.database_cluster.all if settings.database_cluster else ():
        yield Flow(prometheus, cluster_network.instances(cluster), (cluster_network.METRICS_PORT,))
    if _pools(settings):
        yield Flow(prometheus, cluster_network.poolers(), (cluster_network.POOLER_METRICS_PORT,))
    if settings.redis.enabled:
        yield Flow(prometheus, Pods(redis_exporter.EXPORTER), (redis_exporter.EXPORTER_PORT,))
        if isinstance(settings.redis, redis.ReplicatedRedis):
            yield Flow(Pods(redis_exporter.EXPORTER), Pods(redis.SERVERS), (redis.PORT,))
        else:
            yield from redis_flows(settings, redis_exporter.EXPORTER)
    if storage_metrics.served(settings.storage):
        yield Flow(prometheus, Pods(storage.MODULE), (storage.PORT,))
    if settings.monitoring.logs_in_object_storage and settings.storage.mode == "managed":
        yield Flow(settings.monitoring.loki_pods, Pods(storage.MODULE), (storage.PORT,))
