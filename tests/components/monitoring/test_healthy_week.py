"""A week of a healthy new stack: the rules as Prometheus evaluates them, and no alert."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from testbed.monitoring.programs import program
from testbed.monitoring.stacks import BACKED_UP, alerts, rule_groups
from testbed.stacks import render

pytestmark = pytest.mark.long
MINUTES = 7 * 24 * 60
STEP = 5
"""Minutes between two samples."""
HOUR, DAY = 3600, 86400
FIRST_DAILY, FIRST_WEEKLY = 80 * 60, 6 * DAY + 9600
"""Seconds after the stack began at which Velero's daily and weekly Schedule first run: at 01:20, on Sunday at 02:40."""
WORKLOADS = {
    "archesai": ({"archesai-api": 3, "archesai-platform": 2}, ("archesai-postgres", "archesai-redis", "archesai-dump")),
    "monitoring": ({"alloy": 1, "kube-prometheus-stack-grafana": 1}, ("loki", "prometheus", "alertmanager")),
    "ingress": ({"traefik": 2}, ()),
    "velero": ({"velero": 1}, ()),
}
JOBS = {
    "archesai-database-exporter": "archesai",
    "archesai-redis-exporter": "archesai",
    "archesai-storage": "archesai",
    "archesai-api": "archesai",
    "kube-state-metrics": "monitoring",
    "kubelet": "kube-system",
    "node-exporter": "node-exporter",
    "velero": "velero",
}
SAMPLES = MINUTES // STEP


def _constant(value: float) -> str:
    return f"{value:g}x{SAMPLES}"


def _rising(per_step: float) -> str:
    return f"0+{per_step:g}x{SAMPLES}"


def _times(first: int, every: int) -> str:
    """The time of the last success of something that first runs after `first` and then `every` so many seconds."""
    values: list[str] = []
    for step in range(SAMPLES + 1):
        now = step * STEP * 60
        values.append("_" if now < first else str(first + (now - first) // every * every))
    return " ".join(values)


def _workloads() -> Iterator[tuple[str, str]]:
    for namespace, (deployments, stateful_sets) in WORKLOADS.items():
        for name, pods in deployments.items():
            labels = f'namespace="{namespace}",deployment="{name}"'
            yield f"kube_deployment_spec_replicas{{{labels}}}", _constant(pods)
            yield f"kube_deployment_status_replicas_available{{{labels}}}", _constant(pods)
            progressing = f'{labels},condition="Progressing",status="false"'
            yield f"kube_deployment_status_condition{{{progressing}}}", _constant(0)
        for name in stateful_sets:
            labels = f'namespace="{namespace}",statefulset="{name}"'
            for series in ("replicas", "status_replicas_ready", "status_replicas_updated"):
                yield f"kube_statefulset_{series}{{{labels}}}", _constant(1)
            pod = f'namespace="{namespace}",pod="{name}-0",container="server"'
            # One restart in the first minutes: a server that waited for another.
            yield f"kube_pod_container_status_restarts_total{{{pod}}}", f"0 1x{SAMPLES}"
            yield f"container_memory_working_set_bytes{{{pod}}}", _constant(500)
            limits = f'{pod},resource="memory",unit="byte"'
            yield f"kube_pod_container_resource_limits{{{limits}}}", _constant(1000)
            claim = f'namespace="{namespace}",persistentvolumeclaim="{name}-data"'
            yield f"kubelet_volume_stats_available_bytes{{{claim}}}", f"90-0.01x{SAMPLES}"
            yield f"kubelet_volume_stats_capacity_bytes{{{claim}}}", _constant(100)
            # Bound after the first pod is there.
            yield f'kube_persistentvolumeclaim_status_phase{{{claim},phase="Pending"}}', f"1 0x{SAMPLES}"


def _servers() -> Iterator[tuple[str, str]]:
    logs = 'namespace="monitoring",persistentvolumeclaim="storage-loki-0"'
    yield f"kubelet_volume_stats_available_bytes{{{logs}}}", f"90-0.01x{SAMPLES}"
    yield f"kubelet_volume_stats_capacity_bytes{{{logs}}}", _constant(100)
    database = 'job="archesai-database-exporter",namespace="archesai"'
    redis = 'job="archesai-redis-exporter",namespace="archesai"'
    storage = 'job="archesai-storage",namespace="archesai",server="127.0.0.1:9000"'
    yield f"pg_up{{{database}}}", _constant(1)
    yield f'pg_stat_activity_count{{{database},datname="archesai",state="active"}}', _constant(20)
    yield f"pg_settings_max_connections{{{database}}}", _constant(200)
    yield f"redis_up{{{redis}}}", _constant(1)
    yield f"redis_memory_used_bytes{{{redis}}}", _constant(10)
    yield f"redis_memory_max_bytes{{{redis}}}", _constant(100)
    yield f"redis_aof_last_write_status{{{redis}}}", _constant(1)
    yield f"redis_rdb_last_bgsave_status{{{redis}}}", _constant(1)
    yield f"minio_cluster_drive_offline_total{{{storage}}}", _constant(0)
    yield f"minio_cluster_capacity_usable_free_bytes{{{storage}}}", _constant(80)
    yield f"minio_cluster_capacity_usable_total_bytes{{{storage}}}", _constant(100)
    api = 'job="archesai-api",namespace="archesai",endpoint="/users",method="GET"'
    yield f'http_requests_total{{{api},status="200"}}', _rising(3000)
    # One error in twenty thousand requests.
    yield f'http_requests_total{{{api},status="500"}}', _rising(0.15)
    for bound in ("1", "+Inf"):
        yield f'http_request_duration_seconds_bucket{{{api},status="200",le="{bound}"}}', _rising(3000)
    yield f'http_request_duration_seconds_count{{{api},status="200"}}', _rising(3000)


def _around() -> Iterator[tuple[str, str]]:
    for name, namespace in JOBS.items():
        yield f'up{{job="{name}",namespace="{namespace}",instance="10.0.0.1:1"}}', _constant(1)
    yield 'kube_node_status_condition{node="node-1",condition="Ready",status="true"}', _constant(1)
    certificate = 'namespace="archesai",name="archesai-api-tls"'
    yield f'certmanager_certificate_ready_status{{{certificate},condition="True"}}', f"0 0 1x{SAMPLES}"
    yield f"certmanager_certificate_expiration_timestamp_seconds{{{certificate}}}", f"0 0 7776000x{SAMPLES}"
    yield 'velero_backup_location_status_gauge{backup_location_name="default"}', _constant(1)
    for kind, first, every in (("hourly", 0, HOUR), ("daily", FIRST_DAILY, DAY), ("weekly", FIRST_WEEKLY, 7 * DAY)):
        schedule = f'{{schedule="archesai-dev-{kind}"}}'
        yield f"velero_backup_last_successful_timestamp{schedule}", _times(first, every)
        for what in ("partial_failure", "failure", "validation_failure"):
            yield f"velero_backup_{what}_total{schedule}", _constant(0)
    for name, every in (("archesai-backups-objects", HOUR), ("archesai-backups-drill", DAY)):
        labels = f'namespace="archesai",cronjob="{name}"'
        yield f"kube_cronjob_created{{{labels}}}", _constant(0)
        yield f"kube_cronjob_status_last_successful_time{{{labels}}}", _times(every, every)


def _week(directory: Path, change: dict[str, str], expected: dict[str, list[dict[str, Any]]]) -> None:
    """Run the week with some series changed; an alert that is not expected must be silent at each full hour."""
    built = render(BACKED_UP)
    (directory / "rules.yaml").write_text(yaml.safe_dump({"groups": rule_groups(built)}), encoding="utf-8")
    series = dict((*_workloads(), *_servers(), *_around())) | change
    test = {
        "interval": f"{STEP}m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [
            {"eval_time": f"{hour}h", "alertname": name, "exp_alerts": expected.get(name, [])}
            for hour in range(1, MINUTES // 60, 1)
            for name in alerts(built)
            if name != "Watchdog"
        ],
    }
    document = {"rule_files": ["rules.yaml"], "evaluation_interval": f"{STEP}m", "tests": [test]}
    path = directory / "week.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    done = subprocess.run(
        [program("promtool"), "test", "rules", str(path)], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[:4000]


def test_a_healthy_new_stack_is_silent_for_a_week(tmp_path: Path) -> None:
    _week(tmp_path, {}, {})


def test_a_week_with_a_replica_missing_is_not_silent(tmp_path: Path) -> None:
    missing = {
        'kube_deployment_status_replicas_available{namespace="archesai",deployment="archesai-api"}': _constant(2)
    }
    with pytest.raises(AssertionError, match="ReplicasMissing"):
        _week(tmp_path, missing, {})
