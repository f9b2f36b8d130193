"""What every stack stands on: pods, memory, volumes, scrape targets, migrations and, where measured, the nodes."""

from __future__ import annotations

from collections.abc import Iterator

from archesai_infra.components.monitoring.queries import container_memory, memory_limits, targets_down, volume_free
from archesai_infra.components.monitoring.rules.model import Alert, Group
from archesai_infra.components.monitoring.watched import Watched
from archesai_infra.kube.names import object_name

NODE_DISKS = 'fstype!~"tmpfs|ramfs|overlay|squashfs|nsfs|fuse.*"'
"""What is no disk, or a read-only one that is always full, is left out."""


def groups(scope: Watched) -> list[Group]:
    """The rules on kubelet's and kube-state-metrics' metrics."""
    alerts = [*_pods(scope), *_volumes(scope), *_targets(scope)]
    if scope.migrations:
        alerts.append(_migration(scope))
    return [Group("archesai-infrastructure", alerts)]


def _pods(scope: Watched) -> Iterator[Alert]:
    own = f'namespace=~"{scope.target_namespaces}"'
    deployments = (
        f"kube_deployment_status_replicas_available{{{own}}} == 0 and kube_deployment_spec_replicas{{{own}}} > 0"
    )
    stateful_sets = f"kube_statefulset_status_replicas_ready{{{own}}} == 0 and kube_statefulset_replicas{{{own}}} > 0"
    yield Alert(
        "WorkloadUnavailable",
        f"({deployments}) or ({stateful_sets})",
        "critical",
        "{{ or $labels.deployment $labels.statefulset }} has no pod that is ready.",
        "3m",
    )
    yield Alert(
        "PodRestartsOften",
        f"increase(kube_pod_container_status_restarts_total{{{own}}}[1h]) > 4",
        "warning",
        "Container {{ $labels.container }} of {{ $labels.pod }} restarted more than four times within an hour.",
    )
    yield Alert(
        "MemoryNearLimit",
        f"{container_memory(scope.namespace)} / {memory_limits(scope.namespace)} > 0.8",
        "warning",
        "Container {{ $labels.container }} of {{ $labels.pod }} uses {{ $value | humanizePercentage }} of its memory.",
        "5m",
    )


def _volumes(scope: Watched) -> Iterator[Alert]:
    yield Alert(
        "VolumeNearlyFull",
        f"{volume_free(scope.namespaces)} < 0.1",
        "critical",
        "Volume {{ $labels.persistentvolumeclaim }} has {{ $value | humanizePercentage }} of its space left.",
        "5m",
    )
    if scope.settings.metrics.nodes and scope.settings.installs:
        yield Alert(
            "NodeDiskNearlyFull",
            f"node_filesystem_avail_bytes{{{NODE_DISKS}}} / node_filesystem_size_bytes{{{NODE_DISKS}}} < 0.1",
            "critical",
            "{{ $labels.mountpoint }} of node {{ $labels.instance }} has {{ $value | humanizePercentage }} left.",
            "5m",
        )


def _targets(scope: Watched) -> Iterator[Alert]:
    yield Alert(
        "TargetDown",
        targets_down(scope),
        "warning",
        "Prometheus cannot read the metrics of {{ $labels.job }} at {{ $labels.instance }}.",
        "5m",
    )
    if scope.jobs:
        absent = (f'absent(up{{job="{name}",namespace="{namespace}"}})' for name, namespace in scope.jobs)
        yield Alert(
            "TargetMissing",
            " or ".join(absent),
            "warning",
            "Prometheus finds no pod to read the metrics of {{ $labels.job }} from.",
            "10m",
        )


def _migration(scope: Watched) -> Alert:
    jobs = f'namespace="{scope.namespace}",job_name=~"{object_name("migrations")}.*",condition="true"'
    return Alert(
        "MigrationFailed",
        f"kube_job_failed{{{jobs}}} == 1",
        "critical",
        "The database migration {{ $labels.job_name }} failed; the new version of the api does not roll out.",
    )
