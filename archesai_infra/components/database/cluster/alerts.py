"""Alerts on the cluster, as its instances and PgBouncer see it.

Metrics: https://cloudnative-pg.io/documentation/current/monitoring/; of the archive:
https://cloudnative-pg.io/plugin-barman-cloud/docs/observability/.
"""

from __future__ import annotations

from collections.abc import Iterator

from archesai_infra.components.base.watch.alerts import Alert, Group
from archesai_infra.components.base.watch.queries import job
from archesai_infra.components.database.cluster.settings import ClusterSettings
from archesai_infra.cron import stale_after
from archesai_infra.kube.names import object_name

INSTANCES = "database-instances"
POOLER = "database-pooler"


def scrape_job(monitor: str, namespace: str) -> str:
    """The job of a PodMonitor, as Prometheus calls it."""
    return f"{namespace}/{object_name(monitor)}"


def matchers(monitor: str, namespace: str) -> str:
    """Matchers of what a PodMonitor of the stack delivers."""
    return job(scrape_job(monitor, namespace), namespace)


def connections_used(namespace: str) -> str:
    """Used part of each instance's connections, 0 to 1."""
    own = matchers(INSTANCES, namespace)
    most = f'max by (namespace, pod) (cnpg_pg_settings_setting{{{own},name="max_connections"}})'
    return f"sum by (namespace, pod) (cnpg_backends_total{{{own}}}) / {most}"


def log_volume_used(settings: ClusterSettings, namespace: str) -> str:
    """Used part of the volume of each instance's write-ahead log, 0 to 1."""
    claims = f'namespace="{namespace}",persistentvolumeclaim=~"{settings.name}-[0-9]+-wal"'
    return f"kubelet_volume_stats_used_bytes{{{claims}}} / kubelet_volume_stats_capacity_bytes{{{claims}}}"


def group(settings: ClusterSettings, namespace: str, *, pooler: bool) -> Group:
    """The rules on the cluster."""
    rules = [*_instances(namespace), *_log(settings, namespace)]
    if settings.instances > 1:
        rules += _standbys(settings, namespace)
    if settings.archive.enabled:
        rules.append(_base_backup(settings.archive.cron, namespace))
    if pooler:
        rules += _pooler(namespace)
    return Group("archesai-database-cluster", rules)


def _instances(namespace: str) -> Iterator[Alert]:
    own = matchers(INSTANCES, namespace)
    yield Alert(
        "DatabaseWithoutPrimary",
        f"sum by (namespace) (cnpg_pg_replication_in_recovery{{{own}}} == bool 0) == 0",
        "critical",
        "No instance of the database takes writes.",
        "1m",
    )
    yield Alert(
        "DatabaseInstanceDown",
        f"cnpg_collector_up{{{own}}} == 0",
        "warning",
        "PostgreSQL does not answer in {{ $labels.pod }}.",
        "5m",
    )
    yield Alert(
        "DatabaseInstanceConnectionsNearLimit",
        f"{connections_used(namespace)} > 0.8",
        "warning",
        "{{ $value | humanizePercentage }} of the connections of {{ $labels.pod }} are in use.",
        "5m",
    )


def _standbys(settings: ClusterSettings, namespace: str) -> Iterator[Alert]:
    own = matchers(INSTANCES, namespace)
    streaming = f"max by (namespace) (cnpg_pg_replication_streaming_replicas{{{own}}})"
    standby = f"on (namespace, pod) cnpg_pg_replication_in_recovery{{{own}}} == 1"
    needed = settings.synchronous.number if settings.synchronous else 1
    waits = settings.synchronous is not None and settings.synchronous.data_durability == "required"
    yield Alert(
        "DatabaseWithoutStandby",
        f"{streaming} < {needed}",
        "critical",
        "{{ $value }} standbys of the database replicate: "
        + ("writes wait for another." if waits else "the loss of the primary loses data."),
        "2m",
    )
    yield Alert(
        "DatabaseStandbyMissing",
        f"{streaming} < {settings.instances - 1}",
        "warning",
        f"{{{{ $value }}}} of {settings.instances - 1} standbys of the database replicate: a failover may be refused.",
        "15m",
    )
    yield Alert(
        "DatabaseReplicationLags",
        f"cnpg_pg_replication_lag{{{own}}} > 60",
        "warning",
        "{{ $labels.pod }} is {{ $value | humanizeDuration }} behind the primary, or does not replay.",
        "5m",
    )
    yield Alert(
        "DatabaseStandbyReceivesNothing",
        f"cnpg_pg_replication_is_wal_receiver_up{{{own}}} == 0 and {standby}",
        "warning",
        "The standby {{ $labels.pod }} receives nothing from the primary.",
        "10m",
    )


def _log(settings: ClusterSettings, namespace: str) -> Iterator[Alert]:
    own = matchers(INSTANCES, namespace)
    failed, archived = (f"cnpg_pg_stat_archiver_last_{what}_time{{{own}}}" for what in ("failed", "archived"))
    yield Alert(
        "DatabaseArchivingFails",
        f"{failed} > {archived}",
        "critical",
        "{{ $labels.pod }} cannot archive its log: the recoverable time ends, and the log's volume fills.",
        "10m",
    )
    if settings.wal_storage is not None:
        yield Alert(
            "DatabaseLogVolumeFills",
            f"{log_volume_used(settings, namespace)} > 0.8",
            "critical",
            "{{ $value | humanizePercentage }} of {{ $labels.persistentvolumeclaim }} are in use; "
            "a full one stops writes.",
            "5m",
        )


def _base_backup(cron: str, namespace: str) -> Alert:
    limit = stale_after(cron)
    # The series is 0 while there is no base backup.
    newest = f"barman_cloud_cloudnative_pg_io_last_available_backup_timestamp{{{matchers(INSTANCES, namespace)}}}"
    return Alert(
        "DatabaseBaseBackupStale",
        f"time() - max by (namespace) ({newest}) > {limit}",
        "critical",
        f"No base backup of the database has succeeded for {limit // 3600} hours: a recovery takes ever longer, or is "
        "impossible.",
        "1h",
    )


def _pooler(namespace: str) -> Iterator[Alert]:
    own = matchers(POOLER, namespace)
    yield Alert(
        "DatabasePoolerQueues",
        f"max by (namespace, pod) (cnpg_pgbouncer_pools_maxwait{{{own}}}) > 5",
        "warning",
        "Clients of {{ $labels.pod }} wait for {{ $value | humanizeDuration }} for a connection.",
        "5m",
    )
