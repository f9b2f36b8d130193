"""For each alert: series that must fire it, what it then says, and series that must not.

Where an alert has several causes, each has a case: `<alert>, <cause>`.
"""

from __future__ import annotations

from testbed.monitoring.backup_cases import BACKUP_CASES
from testbed.monitoring.case import Case
from testbed.monitoring.workload_cases import WORKLOAD_CASES

POD = 'namespace="archesai",pod="archesai-api-1",container="api"'
API = 'job="archesai-api",namespace="archesai",endpoint="/users",method="GET"'
DATABASE = 'job="archesai-database-exporter",namespace="archesai"'
REDIS = 'job="archesai-redis-exporter",namespace="archesai"'
VOLUME = 'namespace="archesai",persistentvolumeclaim="archesai-postgres-data"'
DISK = 'instance="node-1",mountpoint="/",fstype="ext4"'
STORAGE = 'job="archesai-storage",namespace="archesai",server="127.0.0.1:9000"'
_LOGS = 'kubelet_volume_stats_available_bytes{namespace="monitoring",persistentvolumeclaim="storage-loki-0"}'
_HEALTHY = "0+60x300"


def _requests(errors: str) -> dict[str, str]:
    return {
        f'http_requests_total{{{API},status="200"}}': _HEALTHY,
        f'http_requests_total{{{API},status="500"}}': errors,
    }


def _answers(in_time: str) -> dict[str, str]:
    """60 requests a minute, the given number of them within a second, the rest within 2.5 s."""
    return {
        f'http_request_duration_seconds_bucket{{{API},status="200",le="0.5"}}': in_time,
        f'http_request_duration_seconds_bucket{{{API},status="200",le="1"}}': in_time,
        f'http_request_duration_seconds_bucket{{{API},status="200",le="2.5"}}': _HEALTHY,
        f'http_request_duration_seconds_bucket{{{API},status="200",le="+Inf"}}': _HEALTHY,
        f'http_request_duration_seconds_count{{{API},status="200"}}': _HEALTHY,
    }


_NAMESPACE = {"namespace": "archesai"}
_POD_LABELS = {"namespace": "archesai", "pod": "archesai-api-1", "container": "api"}
_BUDGET = "At this rate of {} the api's budget for 30 days is soon used up."
_STACKS_JOBS = ("archesai-api", "archesai-database-exporter", "archesai-redis-exporter", "archesai-storage")
_JOBS = {
    **dict.fromkeys(_STACKS_JOBS, "archesai"),
    "kube-state-metrics": "monitoring",
    "kubelet": "kube-system",
    "node-exporter": "node-exporter",
    "velero": "velero",
}
_UP = {f'up{{job="{job}",namespace="{home}",instance="10.0.0.1:1"}}': "1x30" for job, home in _JOBS.items()}


def _missing(job: str) -> Case:
    """All jobs there but one."""
    return Case(
        {series: values for series, values in _UP.items() if f'"{job}",' not in series},
        _UP,
        {"job": job, "namespace": _JOBS[job]},
        f"Prometheus finds no pod to read the metrics of {job} from.",
    )


def _down(job: str, namespace: str) -> Case:
    """A target that is down, beside one outside the stack."""
    series = f'up{{job="{job}",namespace="{namespace}",instance="10.0.0.1:1"}}'
    elsewhere = {'up{job="someone-else",namespace="elsewhere",instance="10.0.0.2:80"}': "0x30"}
    return Case(
        {series: "1x5 0x20"} | elsewhere,
        {series: "1x5 0x2 1x20"} | elsewhere,
        {"job": job, "namespace": namespace, "instance": "10.0.0.1:1"},
        f"Prometheus cannot read the metrics of {job} at 10.0.0.1:1.",
    )


_OTHERS: dict[str, Case] = {
    "ApiErrorRateHigh": Case(
        _requests("0+4x300"), _requests("0+3x300"), _NAMESPACE, "6.25% of the api's requests end in a server error."
    ),
    "ApiLatencyHigh": Case(
        _answers("0+54x300"),
        _answers("0+58x300"),
        _NAMESPACE,
        "One request in twenty takes the api longer than 1.75s.",
    ),
    "ApiErrorBudgetBurnsFast": Case(
        _requests("0+1x300"), _requests("0+0.3x300"), _NAMESPACE, _BUDGET.format("errors"), at="3h"
    ),
    "ApiErrorBudgetBurnsSlow": Case(
        _requests("0+0.2x300"), _requests("0+0.05x300"), _NAMESPACE, _BUDGET.format("errors"), at="3h"
    ),
    "ApiLatencyBudgetBurnsFast": Case(
        _answers("0+50x300"), _answers("0+58x300"), _NAMESPACE, _BUDGET.format("slow answers"), at="3h"
    ),
    "ApiLatencyBudgetBurnsSlow": Case(
        _answers("0+58x300"), _answers("0+59.5x300"), _NAMESPACE, _BUDGET.format("slow answers"), at="3h"
    ),
    "WorkloadUnavailable": Case(
        {'kube_statefulset_status_replicas_ready{namespace="archesai",statefulset="archesai-postgres"}': "1x5 0x20"},
        {'kube_statefulset_status_replicas_ready{namespace="archesai",statefulset="archesai-postgres"}': "0x15 1x10"},
        {"namespace": "archesai", "statefulset": "archesai-postgres"},
        "archesai-postgres has no pod that is ready.",
        other={'kube_statefulset_replicas{namespace="archesai",statefulset="archesai-postgres"}': "1x30"},
    ),
    "PodRestartsOften": Case(
        {f"kube_pod_container_status_restarts_total{{{POD}}}": "0x60 1x10 2x10 3x10 4x10 5x10 6x10"},
        {f"kube_pod_container_status_restarts_total{{{POD}}}": "0x60 1x20 2x20 3x20"},
        _POD_LABELS,
        "Container api of archesai-api-1 restarted more than four times within an hour.",
        at="120m",
    ),
    "MemoryNearLimit": Case(
        {f"container_memory_working_set_bytes{{{POD}}}": "900x30"},
        {f"container_memory_working_set_bytes{{{POD}}}": "800x30"},
        _POD_LABELS,
        "Container api of archesai-api-1 uses 90% of its memory.",
        other={f'kube_pod_container_resource_limits{{{POD},resource="memory",unit="byte"}}': "1000x30"},
    ),
    "VolumeNearlyFull": Case(
        {f"kubelet_volume_stats_available_bytes{{{VOLUME}}}": "9x30"},
        {f"kubelet_volume_stats_available_bytes{{{VOLUME}}}": "10x30"},
        {"namespace": "archesai", "persistentvolumeclaim": "archesai-postgres-data"},
        "Volume archesai-postgres-data has 9% of its space left.",
        other={f"kubelet_volume_stats_capacity_bytes{{{VOLUME}}}": "100x30"},
    ),
    "NodeDiskNearlyFull": Case(
        {f"node_filesystem_avail_bytes{{{DISK}}}": "5x30"},
        {
            f"node_filesystem_avail_bytes{{{DISK}}}": "20x30",
            'node_filesystem_avail_bytes{instance="node-1",mountpoint="/snap",fstype="squashfs"}': "0x30",
            'node_filesystem_size_bytes{instance="node-1",mountpoint="/snap",fstype="squashfs"}': "100x30",
        },
        {"instance": "node-1", "mountpoint": "/", "fstype": "ext4"},
        "/ of node node-1 has 5% left.",
        other={f"node_filesystem_size_bytes{{{DISK}}}": "100x30"},
    ),
    **{f"TargetDown, {job}": _down(job, home) for job, home in _JOBS.items()},
    **{f"TargetMissing, {job}": _missing(job) for job in _JOBS},
    "MigrationFailed": Case(
        {'kube_job_failed{namespace="archesai",job_name="archesai-migrations-1a2b3c4d",condition="true"}': "1x30"},
        {
            'kube_job_failed{namespace="archesai",job_name="archesai-migrations-1a2b3c4d",condition="false"}': "1x30",
            'kube_job_failed{namespace="archesai",job_name="archesai-storage-bucket",condition="true"}': "1x30",
        },
        {"namespace": "archesai", "job_name": "archesai-migrations-1a2b3c4d", "condition": "true"},
        "The database migration archesai-migrations-1a2b3c4d failed; the new version of the api does not roll out.",
    ),
    "DatabaseUnreachable": Case(
        {f"pg_up{{{DATABASE}}}": "1x5 0x20"},
        {f"pg_up{{{DATABASE}}}": "1x30"},
        {"job": "archesai-database-exporter", "namespace": "archesai"},
        "The database does not take connections.",
    ),
    "DatabaseConnectionsNearLimit": Case(
        {
            f'pg_stat_activity_count{{{DATABASE},datname="archesai",state="active"}}': "90x30",
            f'pg_stat_activity_count{{{DATABASE},datname="archesai",state="idle"}}': "80x30",
        },
        {f'pg_stat_activity_count{{{DATABASE},datname="archesai",state="active"}}': "160x30"},
        _NAMESPACE,
        "85% of the database's connections are in use.",
        other={f"pg_settings_max_connections{{{DATABASE}}}": "200x30"},
    ),
    "RedisUnreachable": Case(
        {f"redis_up{{{REDIS}}}": "1x5 0x20"},
        {f"redis_up{{{REDIS}}}": "1x30"},
        {"job": "archesai-redis-exporter", "namespace": "archesai"},
        "Redis does not take connections.",
    ),
    "RedisPrimaryMissing": Case(
        {f'redis_instance_info{{{REDIS},instance="one",role="master"}}': "1x5 _x20"},
        {f'redis_instance_info{{{REDIS},instance="two",role="master"}}': "_x5 1x20"},
        {},
        "No redis server is the primary: nothing can be written or read.",
        other={f'redis_up{{{REDIS},instance="two"}}': "1x30"},
    ),
    "RedisPrimaryMissing, without its exporter": Case(
        {f'redis_up{{{REDIS},instance="one"}}': "0x30"},
        {f'redis_up{{{REDIS},instance="one"}}': "1x3 _x30"},
        {},
        "No redis server is the primary: nothing can be written or read.",
    ),
    "RedisPrimariesSeveral": Case(
        {f'redis_instance_info{{{REDIS},instance="one",role="master"}}': "1x30"},
        {f'redis_instance_info{{{REDIS},instance="one",role="slave"}}': "1x30"},
        {},
        "2 redis servers call themselves the primary.",
        other={f'redis_instance_info{{{REDIS},instance="two",role="master"}}': "1x30"},
    ),
    "RedisReplicaMissing": Case(
        {f'redis_connected_slaves{{{REDIS},instance="one"}}': "1x30"},
        {f'redis_connected_slaves{{{REDIS},instance="one"}}': "2x30"},
        {},
        "1 of 2 replicas follow redis' primary.",
        other={f'redis_connected_slaves{{{REDIS},instance="two"}}': "0x30"},
    ),
    "RedisMemoryNearLimit": Case(
        {f"redis_memory_used_bytes{{{REDIS}}}": "95x30", f"redis_memory_max_bytes{{{REDIS}}}": "100x30"},
        {f"redis_memory_used_bytes{{{REDIS}}}": "95x30", f"redis_memory_max_bytes{{{REDIS}}}": "0x30"},
        {"job": "archesai-redis-exporter", "namespace": "archesai"},
        "Redis uses 95% of its memory for data.",
    ),
    "RedisPersistenceFails": Case(
        {f"redis_aof_last_write_status{{{REDIS}}}": "0x30", f"redis_rdb_last_bgsave_status{{{REDIS}}}": "1x30"},
        {f"redis_aof_last_write_status{{{REDIS}}}": "1x30", f"redis_rdb_last_bgsave_status{{{REDIS}}}": "1x30"},
        {"job": "archesai-redis-exporter", "namespace": "archesai"},
        "Redis cannot write its data to the volume.",
    ),
    "StorageDriveOffline": Case(
        {f"minio_cluster_drive_offline_total{{{STORAGE}}}": "0x5 1x20"},
        {f"minio_cluster_drive_offline_total{{{STORAGE}}}": "0x30"},
        {"job": "archesai-storage", "namespace": "archesai", "server": "127.0.0.1:9000"},
        "The object storage cannot use 1 of its drives.",
    ),
    "StorageNearlyFull": Case(
        {f"minio_cluster_capacity_usable_free_bytes{{{STORAGE}}}": "19x30"},
        {f"minio_cluster_capacity_usable_free_bytes{{{STORAGE}}}": "20x30"},
        {"job": "archesai-storage", "namespace": "archesai", "server": "127.0.0.1:9000"},
        "The object storage has 19% of its space left.",
        other={f"minio_cluster_capacity_usable_total_bytes{{{STORAGE}}}": "100x30"},
    ),
    "CertificateNearExpiry": Case(
        {
            'certmanager_certificate_expiration_timestamp_seconds{namespace="archesai",name="archesai-api-tls"}': (
                "1209000x60"
            )
        },
        {
            'certmanager_certificate_expiration_timestamp_seconds{namespace="archesai",name="archesai-api-tls"}': (
                "1900000x60"
            ),
            'certmanager_certificate_expiration_timestamp_seconds{namespace="archesai",name="never-made"}': "0x60",
        },
        {"namespace": "archesai", "name": "archesai-api-tls"},
        "Certificate archesai-api-tls ends in 13d 23h 30m 0s and was not renewed.",
    ),
    "CertificateNotReady": Case(
        {
            'certmanager_certificate_ready_status{namespace="archesai",name="archesai-api-tls",condition="True"}': (
                "0x60"
            )
        },
        {
            'certmanager_certificate_ready_status{namespace="archesai",name="archesai-api-tls",condition="True"}': (
                "0x20 1x40"
            ),
            'certmanager_certificate_ready_status{namespace="archesai",name="archesai-api-tls",condition="False"}': (
                "0x60"
            ),
        },
        {"namespace": "archesai", "name": "archesai-api-tls", "condition": "True"},
        "Certificate archesai-api-tls was not issued: its host serves the controller's own certificate.",
        at="40m",
    ),
    "AlertsNotDelivered": Case(
        {'alertmanager_notifications_failed_total{namespace="monitoring",integration="slack"}': "0+1x30"},
        {'alertmanager_notifications_failed_total{namespace="monitoring",integration="slack"}': "5x30"},
        {"namespace": "monitoring", "integration": "slack"},
        "Alertmanager cannot deliver alerts by slack.",
    ),
    "RulesFail": Case(
        {'prometheus_rule_evaluation_failures_total{namespace="monitoring",rule_group="archesai-api"}': "0+1x30"},
        {'prometheus_rule_evaluation_failures_total{namespace="monitoring",rule_group="archesai-api"}': "3x30"},
        {"namespace": "monitoring", "rule_group": "archesai-api"},
        "Prometheus cannot evaluate the rules of archesai-api.",
    ),
    "LogsDropped": Case(
        {'loki_write_dropped_entries_total{namespace="monitoring",host="loki"}': "0+5x30"},
        {'loki_write_dropped_entries_total{namespace="monitoring",host="loki"}': "5x30"},
        {"namespace": "monitoring", "host": "loki"},
        "Alloy gave up log lines that Loki did not take.",
    ),
    # 10 of 100 a day: after 26 hours 39 are left, or 89.
    "LogsOutgrowVolume": Case(
        {_LOGS: "50-0.00694x1600"},
        {_LOGS: "100-0.00694x1600"},
        {"namespace": "monitoring", "persistentvolumeclaim": "storage-loki-0"},
        "Logs fill their volume within 7 days, as they grew in the last one.",
        at="26h",
    ),
}

CASES: dict[str, Case] = BACKUP_CASES | WORKLOAD_CASES | _OTHERS
"""Every case by its name."""
