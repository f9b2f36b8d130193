"""What every stack stands on: pods, memory, volumes, scrape targets and, where measured, the nodes."""

from __future__ import annotations

from collections.abc import Iterator

from archesai_infra.components.base.watch.alerts import Alert, Group
from archesai_infra.components.monitoring.queries import container_memory, memory_limits, targets_down, volume_free
from archesai_infra.components.monitoring.watched import Watched

NODE_DISKS = 'fstype!~"tmpfs|ramfs|overlay|squashfs|nsfs|fuse.*"'
"""What is no disk, or a read-only one that is always full, is left out."""


def group(watched: Watched) -> Group:
    """The rules on kubelet's and kube-state-metrics' metrics, and those that components add."""
    added = [alert for part in watched.parts for alert in part.alerts]
    return Group("archesai-infrastructure", [*_pods(watched), *_volumes(watched), *_targets(watched), *added])


def _pods(watched: Watched) -> Iterator[Alert]:
    own = f'namespace=~"{watched.target_namespaces}"'
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
        f"{container_memory(watched.namespace)} / {memory_limits(watched.namespace)} > 0.8",
        "warning",
        "Container {{ $labels.container }} of {{ $labels.pod }} uses {{ $value | humanizePercentage }} of its memory.",
        "5m",
    )


def _volumes(watched: Watched) -> Iterator[Alert]:
    yield Alert(
        "VolumeNearlyFull",
        f"{volume_free(watched.namespaces)} < 0.1",
        "critical",
        "Volume {{ $labels.persistentvolumeclaim }} has {{ $value | humanizePercentage }} of its space left.",
        "5m",
    )
    if watched.settings.metrics.nodes and watched.settings.installs:
        yield Alert(
            "NodeDiskNearlyFull",
            f"node_filesystem_avail_bytes{{{NODE_DISKS}}} / node_filesystem_size_bytes{{{NODE_DISKS}}} < 0.1",
            "critical",
            "{{ $labels.mountpoint }} of node {{ $labels.instance }} has {{ $value | humanizePercentage }} left.",
            "5m",
        )


def _targets(watched: Watched) -> Iterator[Alert]:
    yield Alert(
        "TargetDown",
        targets_down(watched),
        "warning",
        "Prometheus cannot read the metrics of {{ $labels.job }} at {{ $labels.instance }}.",
        "5m",
    )
    if watched.jobs:
        absent = (f'absent(up{{job="{job.name}",namespace="{job.namespace}"}})' for job in watched.jobs)
        yield Alert(
            "TargetMissing",
            " or ".join(absent),
            "warning",
            "Prometheus finds no pod to read the metrics of {{ $labels.job }} from.",
            "10m",
        )
