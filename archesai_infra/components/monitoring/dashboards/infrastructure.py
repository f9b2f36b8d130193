"""The infrastructure: pods, volumes, the way in and, where measured, the nodes."""

from __future__ import annotations

from archesai_infra.components.monitoring.dashboards.panels import Dashboard, Panel, graph, stat
from archesai_infra.components.monitoring.queries import container_memory, memory_limits, targets_down, volume_free
from archesai_infra.components.monitoring.rules.infrastructure import NODE_DISKS
from archesai_infra.components.monitoring.watched import Watched


def dashboard(scope: Watched) -> Dashboard:
    """What the stack runs on."""
    panels = [*_numbers(scope), *_pods(scope), *_volumes(scope), *_ingress(scope)]
    if scope.settings.metrics.nodes and scope.settings.installs:
        panels += _nodes()
    return Dashboard("infrastructure", "Arches: infrastructure", panels)


def _numbers(scope: Watched) -> list[Panel]:
    own = f'namespace="{scope.namespace}"'
    restarts = f"sum(increase(kube_pod_container_status_restarts_total{{{own}}}[1h]))"
    targets = f"count({targets_down(scope)}) or vector(0)"
    return [
        stat("Pods ready", f'sum(kube_pod_status_ready{{{own},condition="true"}})'),
        stat("Pods pending", f'sum(kube_pod_status_phase{{{own},phase="Pending"}})', thresholds=(1, 3)),
        stat("Restarts in an hour", restarts, thresholds=(1, 5)),
        stat("Targets down", targets, thresholds=(1, 1)),
        stat("Fullest volume", f"1 - min({volume_free(scope.namespaces)})", "percentunit", thresholds=(0.8, 0.9)),
        stat("Jobs failed", f'sum(kube_job_failed{{{own},condition="true"}}) or vector(0)', thresholds=(1, 1)),
    ]


def _pods(scope: Watched) -> list[Panel]:
    own = f'namespace="{scope.namespace}"'
    containers = f'{own},container!=""'
    cpu = f"sum by (pod) (rate(container_cpu_usage_seconds_total{{{containers}}}[5m]))"
    of_limit = f"{container_memory(scope.namespace)} / {memory_limits(scope.namespace)}"
    received = f"sum by (pod) (rate(container_network_receive_bytes_total{{{own}}}[5m]))"
    sent = f"sum by (pod) (rate(container_network_transmit_bytes_total{{{own}}}[5m]))"
    return [
        graph("CPU", cpu, "{{pod}}", description="Cores."),
        graph("Memory", f"sum by (pod) ({container_memory(scope.namespace)})", "{{pod}}", "bytes"),
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


def _volumes(scope: Watched) -> list[Panel]:
    matchers = f'namespace=~"{scope.namespaces}"'
    inodes = f"kubelet_volume_stats_inodes_used{{{matchers}}} / kubelet_volume_stats_inodes{{{matchers}}}"
    used = f"1 - {volume_free(scope.namespaces)}"
    return [
        graph("Volumes", used, "{{persistentvolumeclaim}}", "percentunit", width=12),
        graph("Volumes, inodes", inodes, "{{persistentvolumeclaim}}", "percentunit", width=12),
    ]


def _ingress(scope: Watched) -> list[Panel]:
    if scope.ingress == "traefik":
        # Traefik names a service <namespace>-<service>-<port>@kubernetes.
        own = f'service=~"{scope.namespace}-.*"'
        requests = f"sum by (code) (rate(traefik_service_requests_total{{{own}}}[5m]))"
        buckets = f"traefik_service_request_duration_seconds_bucket{{{own}}}"
        by, legend, status = "service", "{{service}}", "{{code}}"
    elif scope.ingress == "nginx":
        own = f'namespace="{scope.namespace}"'
        requests = f"sum by (status) (rate(nginx_ingress_controller_requests{{{own}}}[5m]))"
        buckets = f"nginx_ingress_controller_request_duration_seconds_bucket{{{own}}}"
        by, legend, status = "ingress", "{{ingress}}", "{{status}}"
    else:
        return []
    latency = f"histogram_quantile(0.95, sum by ({by}, le) (rate({buckets}[5m])))"
    return [
        graph("Ingress, requests by status", requests, status, "reqps", width=12),
        graph("Ingress, 95th percentile", latency, legend, "s", width=12),
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
