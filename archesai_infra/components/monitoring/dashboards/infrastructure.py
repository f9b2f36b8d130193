"""The infrastructure: pods, volumes, what components add and, where measured, the nodes."""

from __future__ import annotations

from archesai_infra.components.base.watch.panels import Dashboard, Panel, graph, stat
from archesai_infra.components.monitoring.queries import container_memory, memory_limits, targets_down, volume_free
from archesai_infra.components.monitoring.rules.infrastructure import NODE_DISKS
from archesai_infra.components.monitoring.watched import Watched


def dashboard(watched: Watched) -> Dashboard:
    """What the stack runs on."""
    added = [panel for part in watched.parts for panel in part.panels]
    panels = [*_numbers(watched), *_pods(watched), *_volumes(watched), *added]
    if watched.settings.metrics.nodes and watched.settings.installs:
        panels += _nodes()
    return Dashboard("infrastructure", "Arches: infrastructure", panels)


def _numbers(watched: Watched) -> list[Panel]:
    own = f'namespace="{watched.namespace}"'
    restarts = f"sum(increase(kube_pod_container_status_restarts_total{{{own}}}[1h]))"
    targets = f"count({targets_down(watched)}) or vector(0)"
    return [
        stat("Pods ready", f'sum(kube_pod_status_ready{{{own},condition="true"}})'),
        stat("Pods pending", f'sum(kube_pod_status_phase{{{own},phase="Pending"}})', thresholds=(1, 3)),
        stat("Restarts in an hour", restarts, thresholds=(1, 5)),
        stat("Targets down", targets, thresholds=(1, 1)),
        stat("Fullest volume", f"1 - min({volume_free(watched.namespaces)})", "percentunit", thresholds=(0.8, 0.9)),
        stat("Jobs failed", f'sum(kube_job_failed{{{own},condition="true"}}) or vector(0)', thresholds=(1, 1)),
    ]


def _pods(watched: Watched) -> list[Panel]:
    own = f'namespace="{watched.namespace}"'
    containers = f'{own},container!=""'
    cpu = f"sum by (pod) (rate(container_cpu_usage_seconds_total{{{containers}}}[5m]))"
    of_limit = f"{container_memory(watched.namespace)} / {memory_limits(watched.namespace)}"
    received = f"sum by (pod) (rate(container_network_receive_bytes_total{{{own}}}[5m]))"
    sent = f"sum by (pod) (rate(container_network_transmit_bytes_total{{{own}}}[5m]))"
    return [
        graph("CPU", cpu, "{{pod}}", description="Cores."),
        graph("Memory", f"sum by (pod) ({container_memory(watched.namespace)})", "{{pod}}", "bytes"),
        graph("Memory of limit", of_limit, "{{pod}} {{container}}", "percentunit"),
        graph(
            "Restarts",
            f"sum by (pod, container) (increase(kube_pod_container_status_restarts_total{{{own}}}[5m])) > 0",
            "{{pod}} {{container}}",
        ),
        graph("Replicas available", f"kube_deployment_status_replicas_available{{{own}}}", "{{deployment}}"),
        graph("Autoscaled replicas", f"kube_horizontalpodautoscaler_status_current_replicas{{{own}}}", _AUTOSCALER),
        graph("Received", received, "{{pod}}", "Bps", width=12),
        graph("Sent", sent, "{{pod}}", "Bps", width=12),
    ]


_AUTOSCALER = "{{horizontalpodautoscaler}}"


def _volumes(watched: Watched) -> list[Panel]:
    matchers = f'namespace=~"{watched.namespaces}"'
    inodes = f"kubelet_volume_stats_inodes_used{{{matchers}}} / kubelet_volume_stats_inodes{{{matchers}}}"
    used = f"1 - {volume_free(watched.namespaces)}"
    return [
        graph("Volumes", used, "{{persistentvolumeclaim}}", "percentunit", width=12),
        graph("Volumes, inodes", inodes, "{{persistentvolumeclaim}}", "percentunit", width=12),
    ]


def _nodes() -> list[Panel]:
    idle = 'avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[5m]))'
    disks = f"1 - node_filesystem_avail_bytes{{{NODE_DISKS}}} / node_filesystem_size_bytes{{{NODE_DISKS}}}"
    return [
        graph("Nodes, CPU", f"1 - {idle}", "{{instance}}", "percentunit"),
        graph(
            "Nodes, memory",
            "1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes",
            "{{instance}}",
            "percentunit",
        ),
        graph("Nodes, disks", disks, "{{instance}} {{mountpoint}}", "percentunit"),
    ]
