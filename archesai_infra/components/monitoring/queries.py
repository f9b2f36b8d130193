"""PromQL on the cluster's own metrics that rules and dashboards share."""

from __future__ import annotations

from archesai_infra.components.monitoring.watched import KUBELET, Watched


def container_memory(namespace: str) -> str:
    """Memory that each container cannot give back, in bytes."""
    matchers = f'namespace="{namespace}",container!=""'
    return f"max by (namespace, pod, container) (container_memory_working_set_bytes{{{matchers}}})"


def memory_limits(namespace: str) -> str:
    """Memory limit of each container, in bytes."""
    matchers = f'namespace="{namespace}",resource="memory"'
    return f"max by (namespace, pod, container) (kube_pod_container_resource_limits{{{matchers}}})"


def targets_down(watched: Watched) -> str:
    """What cannot be scraped; without the kubelets nothing is known of containers and volumes."""
    return f'up{{namespace=~"{watched.target_namespaces}"}} == 0 or up{{job="{KUBELET}"}} == 0'


def volume_free(namespaces: str) -> str:
    """Free part of each volume, 0 to 1."""
    matchers = f'namespace=~"{namespaces}"'
    available, capacity = (f"kubelet_volume_stats_{part}_bytes{{{matchers}}}" for part in ("available", "capacity"))
    return f"{available} / {capacity}"
