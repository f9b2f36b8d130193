"""Who talks to whom: the one list that network policies, the graph and the tests are made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archesai_infra.components import api, database, migrations, platform, redis, scraper, storage, unstructured
from archesai_infra.kube.network import ANYWHERE, INTERNET, Addresses, Flow, Peer, Pods

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archesai_infra.components.workload import RunOnHost
    from archesai_infra.settings import Settings


def flows(settings: Settings) -> tuple[Flow, ...]:
    """Every connection that a stack's modules need; all else is denied."""
    return (*_inside(settings), *_outward(settings), *_inward(settings))


def _inside(settings: Settings) -> Iterator[Flow]:
    if settings.api.enabled and settings.api.run_on_host is None:
        yield from _from_api(settings)
    if settings.platform.enabled and settings.platform.run_on_host is None and settings.api.enabled:
        yield _flow(platform.MODULE, api.MODULE, api.PORT, settings.api.run_on_host)
    if settings.migrates_by_job:
        yield database_flow(settings, migrations.MODULE)
    if settings.storage.enabled and settings.storage.mode == "managed":
        yield Flow(Pods(storage.BUCKET_MODULE), Pods(storage.MODULE), (storage.PORT,))


def _from_api(settings: Settings) -> Iterator[Flow]:
    source = api.MODULE
    if settings.database.enabled:
        yield database_flow(settings, source)
    if isinstance(settings.redis, redis.ExternalRedis) and settings.redis.enabled:
        yield Flow(Pods(source), Addresses("redis", settings.redis.cidrs), (settings.redis.port,))
    elif isinstance(settings.redis, redis.ManagedRedis) and settings.redis.enabled:
        yield _flow(source, redis.MODULE, redis.PORT, settings.redis.run_on_host)
    if settings.storage.enabled:
        yield storage_flow(settings, source)
    if settings.scraper.enabled:
        yield Flow(Pods(source), Pods(scraper.MODULE), (scraper.PORT,))
    if settings.unstructured.enabled:
        yield Flow(Pods(source), Pods(unstructured.MODULE), (unstructured.PORT,))


def database_flow(settings: Settings, source: str) -> Flow:
    """From a component's pods to the database, wherever that is."""
    if isinstance(settings.database, database.ExternalDatabase):
        return Flow(Pods(source), Addresses("database", settings.database.cidrs), (settings.database.port,))
    return _flow(source, database.MODULE, database.PORT, settings.database.run_on_host)


def storage_flow(settings: Settings, source: str) -> Flow:
    """From a component's pods to the object storage, wherever that is."""
    if isinstance(settings.storage, storage.ExternalStorage):
        return Flow(Pods(source), Addresses("storage", settings.storage.cidrs), (settings.storage.port,))
    return Flow(Pods(source), Pods(storage.MODULE), (storage.PORT,))


def _flow(source: str, target: str, port: int, host: RunOnHost | None) -> Flow:
    """To pods, or to the process on the developer's machine in their place."""
    if host is None:
        return Flow(Pods(source), Pods(target), (port,))
    bits = 128 if ":" in host.ip else 32
    return Flow(Pods(source), Addresses(f"{target} on the host", (f"{host.ip}/{bits}",)), (host.port,))


def _outward(settings: Settings) -> Iterator[Flow]:
    if settings.api.enabled and settings.api.run_on_host is None:
        yield Flow(Pods(api.MODULE), INTERNET, (443,))
        for egress in settings.api.egress:
            yield Flow(Pods(api.MODULE), Addresses("api.egress", (egress.cidr,)), egress.ports)
        if settings.api.kubernetes_access:
            yield Flow(Pods(api.MODULE), Addresses("kubernetes api", (ANYWHERE,)), (443, 6443))
    if settings.scraper.enabled:
        yield Flow(Pods(scraper.MODULE), INTERNET, (80, 443))


def _inward(settings: Settings) -> Iterator[Flow]:
    if not settings.ingress.enabled:
        return
    controller: Peer = settings.ingress.controller_pods
    ports = {"api": api.PORT, "platform": platform.PORT, "storage": storage.PORT}
    for module, port in ports.items():
        on_host = getattr(getattr(settings, module), "run_on_host", None) is not None
        if settings.url(module) is not None and not on_host:
            yield Flow(controller, Pods(module), (port,))
