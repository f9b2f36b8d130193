"""Alerts on redis, as its exporter sees it."""

from __future__ import annotations

from collections.abc import Iterator

from archesai_infra.components.base.watch.alerts import Alert, Group
from archesai_infra.components.base.watch.queries import job
from archesai_infra.components.redis.exporter import EXPORTER
from archesai_infra.components.redis.replicated import alerts as replicated
from archesai_infra.kube.names import object_name

JOB = object_name(EXPORTER)


def group(namespace: str, *, several: bool) -> Group:
    """The rules on redis, on one server or `several` that replicate."""
    own = job(JOB, namespace)
    first = [*replicated.alerts(own)] if several else [_unreachable(own)]
    return Group("archesai-redis", [*first, *_alerts(namespace)])


def memory_used(namespace: str) -> str:
    """Used part of redis's memory for data, 0 to 1; nothing where redis has no bound."""
    matchers = job(JOB, namespace)
    return f"redis_memory_used_bytes{{{matchers}}} / (redis_memory_max_bytes{{{matchers}}} > 0)"


def _unreachable(own: str) -> Alert:
    return Alert("RedisUnreachable", f"redis_up{{{own}}} == 0", "critical", "Redis does not take connections.", "1m")


def _alerts(namespace: str) -> Iterator[Alert]:
    own = job(JOB, namespace)
    yield Alert(
        "RedisMemoryNearLimit",
        f"{memory_used(namespace)} > 0.9",
        "warning",
        "Redis uses {{ $value | humanizePercentage }} of its memory for data.",
        "10m",
    )
    yield Alert(
        "RedisPersistenceFails",
        f"redis_aof_last_write_status{{{own}}} == 0 or redis_rdb_last_bgsave_status{{{own}}} == 0",
        "critical",
        "Redis cannot write its data to the volume.",
        "5m",
    )
