"""The database, redis and the object storage."""

from __future__ import annotations

from collections.abc import Iterator

from archesai_infra.components.monitoring.queries import (
    DATABASE_JOB,
    REDIS_JOB,
    STORAGE_JOB,
    connections_used,
    job,
    redis_memory_used,
    storage_free,
)
from archesai_infra.components.monitoring.rules.model import Alert, Group
from archesai_infra.components.monitoring.watched import Watched


def groups(scope: Watched) -> list[Group]:
    """One group for each of the three that is on; a store without metrics is watched by its pod and its volume."""
    built: list[Group] = []
    if scope.database:
        built.append(Group("archesai-database", list(_database(scope.namespace))))
    if scope.redis:
        built.append(Group("archesai-redis", list(_redis(scope.namespace))))
    if scope.storage_metrics:
        built.append(Group("archesai-storage", list(_storage(scope.namespace))))
    return built


def _database(namespace: str) -> Iterator[Alert]:
    yield Alert(
        "DatabaseUnreachable",
        f"pg_up{{{job(DATABASE_JOB, namespace)}}} == 0",
        "critical",
        "The database does not take connections.",
        "1m",
    )
    yield Alert(
        "DatabaseConnectionsNearLimit",
        f"{connections_used(namespace)} > 0.8",
        "warning",
        "{{ $value | humanizePercentage }} of the database's connections are in use.",
        "5m",
    )


def _redis(namespace: str) -> Iterator[Alert]:
    own = job(REDIS_JOB, namespace)
    yield Alert("RedisUnreachable", f"redis_up{{{own}}} == 0", "critical", "Redis does not take connections.", "1m")
    yield Alert(
        "RedisMemoryNearLimit",
        f"{redis_memory_used(namespace)} > 0.9",
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


def _storage(namespace: str) -> Iterator[Alert]:
    yield Alert(
        "StorageDriveOffline",
        f"minio_cluster_drive_offline_total{{{job(STORAGE_JOB, namespace)}}} > 0",
        "critical",
        "The object storage cannot use {{ $value }} of its drives.",
        "2m",
    )
    yield Alert(
        "StorageNearlyFull",
        f"{storage_free(namespace)} < 0.2",
        "warning",
        "The object storage has {{ $value | humanizePercentage }} of its space left.",
        "15m",
    )
