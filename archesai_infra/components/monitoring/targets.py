"""What Prometheus scrapes: specs of ServiceMonitors and PodMonitors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archesai_infra.components.monitoring import storage_metrics
from archesai_infra.components.monitoring.exporters import DATABASE_EXPORTER, PORT_NAME, REDIS_EXPORTER
from archesai_infra.components.monitoring.prometheus_stack import SCRAPE_INTERVAL
from archesai_infra.components.monitoring.watched import Watched
from archesai_infra.kube.labels import selector
from archesai_infra.kube.names import object_name
from archesai_infra.kube.network import NamespacePods

# The port's name would take the place of the api's own label `endpoint`, the route of a request.
KEEP_ROUTE = {"action": "labeldrop", "regex": "endpoint"}


def service_monitors(scope: Watched, instance: str) -> dict[str, dict[str, Any]]:
    """Specs by component, for the stack's own Services."""
    built: dict[str, dict[str, Any]] = {}
    if scope.api:
        endpoint = {"port": "http", "path": "/metrics", "relabelings": [KEEP_ROUTE]}
        built["api"] = _service_monitor("api", instance, endpoint)
    for component, on in ((DATABASE_EXPORTER, scope.database), (REDIS_EXPORTER, scope.redis)):
        if on:
            built[component] = _service_monitor(component, instance, {"port": PORT_NAME})
    if scope.storage_metrics:
        built["storage"] = _service_monitor("storage", instance, *map(_storage_endpoint, storage_metrics.PATHS))
    return built


def _service_monitor(component: str, instance: str, *endpoints: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "selector": {"matchLabels": selector(component, instance)},
        "endpoints": [{"interval": SCRAPE_INTERVAL} | dict(endpoint) for endpoint in endpoints],
    }


def _storage_endpoint(path: str) -> dict[str, Any]:
    # The governing Service has the same labels and leads to the same pod.
    once = {"action": "keep", "sourceLabels": ["__meta_kubernetes_service_name"], "regex": object_name("storage")}
    # Both pages are of one job and one pod: without the path they would share the series `up`.
    tell_path = {"sourceLabels": ["__metrics_path__"], "targetLabel": "metrics_path"}
    token = {"name": storage_metrics.TOKEN_SECRET, "key": storage_metrics.TOKEN_KEY}
    return {"port": "s3", "path": path, "authorization": {"credentials": token}, "relabelings": [once, tell_path]}


def pod_monitors(
    scope: Watched, controller: NamespacePods | None, cert_manager_namespace: str
) -> dict[str, dict[str, Any]]:
    """Specs by part, for pods in namespaces of others; where such pods serve no metrics there is no target."""
    built: dict[str, dict[str, Any]] = {}
    if scope.ingress is not None and controller is not None:
        built["ingress-controller"] = _pod_monitor(controller.namespace, dict(controller.labels), "metrics")
    if scope.certificates:
        labels = {"app.kubernetes.io/name": "cert-manager", "app.kubernetes.io/component": "controller"}
        built["cert-manager"] = _pod_monitor(cert_manager_namespace, labels, "http-metrics")
    return built


def _pod_monitor(namespace: str, pod_labels: Mapping[str, str], port: str) -> dict[str, Any]:
    return {
        "namespaceSelector": {"matchNames": [namespace]},
        "selector": {"matchLabels": dict(pod_labels)},
        # Their metrics have a label `namespace` of their own: that of the Ingress or Certificate, not of the pod.
        "podMetricsEndpoints": [{"interval": SCRAPE_INTERVAL, "port": port, "honorLabels": True}],
    }
