"""What Prometheus scrapes: specs of ServiceMonitors and PodMonitors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archesai_infra.kube.labels import selector

SCRAPE_INTERVAL = "30s"
"""Time between two samples."""
MonitorSpec = dict[str, Any]
"""Spec of a ServiceMonitor or PodMonitor."""


def service_monitor(component: str, instance: str, *endpoints: Mapping[str, Any]) -> MonitorSpec:
    """Scrape the Services of a component; each endpoint names its port, and more where it needs more."""
    return {
        "selector": {"matchLabels": selector(component, instance)},
        "endpoints": [{"interval": SCRAPE_INTERVAL} | dict(endpoint) for endpoint in endpoints],
    }


def pod_monitor(namespace: str, pod_labels: Mapping[str, str], port: str) -> MonitorSpec:
    """Scrape pods of another namespace at a named port; where such pods serve no metrics there is no target."""
    return {
        "namespaceSelector": {"matchNames": [namespace]},
        "selector": {"matchLabels": dict(pod_labels)},
        # Their metrics have a label `namespace` of their own: that of the Ingress or Certificate, not of the pod.
        "podMetricsEndpoints": [{"interval": SCRAPE_INTERVAL, "port": port, "honorLabels": True}],
    }
