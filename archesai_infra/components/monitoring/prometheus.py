"""Values of kube-prometheus-stack: the operator, Prometheus, Alertmanager, kube-state-metrics, and Grafana within it.

The chart's own rules and dashboards stay out: most of them watch the cluster, which is not the stack's, and none of
them is tested here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archesai_infra.components.base.watch.monitors import SCRAPE_INTERVAL
from archesai_infra.components.monitoring.kubelets import scrape_configs
from archesai_infra.components.monitoring.settings import MonitoringSettings

RELEASE = "kube-prometheus-stack"
PORT = 9090
METADATA_NAME = "kubernetes.io/metadata.name"
"""Label that the API server gives each namespace: its name."""
ALERTMANAGER_SECRET = "alertmanager-config"
NODE_NAMESPACE = "node-exporter"

COLLECTORS = (
    "cronjobs",
    "deployments",
    "horizontalpodautoscalers",
    "jobs",
    "namespaces",
    "nodes",
    "persistentvolumeclaims",
    "pods",
    "replicasets",
    "resourcequotas",
    "statefulsets",
)
"""What kube-state-metrics may list: no Secret and no ConfigMap, and its ClusterRole follows."""

SMALL = {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"cpu": "200m", "memory": "256Mi"}}
_RELOADER = {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"cpu": "100m", "memory": "64Mi"}}


def url(namespace: str) -> str:
    """Address of Prometheus inside the cluster."""
    return f"http://{RELEASE}-prometheus.{namespace}:{PORT}/"


def values(
    settings: MonitoringSettings, grafana: Mapping[str, Any], namespaces: tuple[str, ...], mirror: str | None
) -> dict[str, Any]:
    """All values of the release, with those of its Grafana; nothing secret is among them.

    Monitors and rules of these `namespaces` count; `mirror` is the registry that replaces the images' own.
    """
    built: dict[str, Any] = {
        "global": {
            # Our own, see `rights`: the chart's operator reads and writes every Secret of the cluster.
            "rbac": {"create": False},
            **({"imageRegistry": mirror} if mirror is not None else {}),
        },
        "crds": {"enabled": False},
        "defaultRules": {"create": False},
        # Not to be scraped on most managed clusters, and each writes a Service into kube-system.
        **{part: {"enabled": False} for part in _CONTROL_PLANE},
        # Its ServiceMonitor names files, see `kubelets`.
        "kubelet": {"enabled": False},
        "prometheusOperator": _operator(settings.namespace, namespaces),
        "prometheus": {"prometheusSpec": _prometheus(settings, namespaces)},
        "alertmanager": {"alertmanagerSpec": _alertmanager(settings)},
        "kube-state-metrics": {"collectors": list(COLLECTORS), "resources": SMALL},
        "nodeExporter": {"enabled": settings.metrics.nodes},
        "grafana": grafana,
    }
    if settings.metrics.nodes:
        built["prometheus-node-exporter"] = {"namespaceOverride": NODE_NAMESPACE, "resources": SMALL}
    return built


_CONTROL_PLANE = ("kubeApiServer", "kubeControllerManager", "kubeScheduler", "kubeProxy", "kubeEtcd", "coreDns")


def _operator(own: str, namespaces: tuple[str, ...]) -> dict[str, Any]:
    return {
        "namespaces": {"releaseNamespace": True, "additional": [name for name in namespaces if name != own]},
        "prometheusInstanceNamespaces": [own],
        "alertmanagerInstanceNamespaces": [own],
        # Where these may be, it follows every Secret and ConfigMap, and ends where it may not.
        "alertmanagerConfigNamespaces": [own],
        "thanosRulerInstanceNamespaces": [own],
        "kubeletService": {"enabled": False},
        "kubeletEndpointsEnabled": False,
        # Rules are tested before they ship; a webhook would be one more thing that can refuse an update.
        "admissionWebhooks": {"enabled": False},
        "tls": {"enabled": False},
        "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"cpu": "500m", "memory": "256Mi"}},
        "prometheusConfigReloader": {"resources": _RELOADER},
    }


def _prometheus(settings: MonitoringSettings, namespaces: tuple[str, ...]) -> dict[str, Any]:
    metrics = settings.metrics
    ours = {"matchExpressions": [{"key": METADATA_NAME, "operator": "In", "values": list(namespaces)}]}
    # Without these only objects labelled with the release's name would count, and the stack's own are not.
    everything = ("serviceMonitor", "podMonitor", "rule", "probe", "scrapeConfig")
    return {
        **{f"{kind}SelectorNilUsesHelmValues": False for kind in everything},
        # Monitors of others could scrape what only Prometheus reaches, and their rules would alert the stack's team.
        **{f"{kind}NamespaceSelector": ours for kind in everything},
        "arbitraryFSAccessThroughSMs": {"deny": True},
        "additionalScrapeConfigs": scrape_configs(),
        "retention": f"{metrics.retention_days}d",
        "retentionSize": metrics.retention_size,
        "scrapeInterval": SCRAPE_INTERVAL,
        "evaluationInterval": SCRAPE_INTERVAL,
        "storageSpec": {"volumeClaimTemplate": {"spec": _claim(metrics.size, metrics.storage_class)}},
        "resources": metrics.resources.requirements(),
    }


def _alertmanager(settings: MonitoringSettings) -> dict[str, Any]:
    return {
        "useExistingSecret": True,
        "configSecret": settings.alerts.existing_secret or ALERTMANAGER_SECRET,
        "storage": {"volumeClaimTemplate": {"spec": _claim("1Gi", settings.metrics.storage_class)}},
        "resources": SMALL,
    }


def _claim(size: str, storage_class: str | None) -> dict[str, Any]:
    spec: dict[str, Any] = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
    return spec | ({"storageClassName": storage_class} if storage_class else {})
