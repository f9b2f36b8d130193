"""Values of kube-prometheus-stack: the operator, Prometheus, Alertmanager, Grafana and kube-state-metrics.

The chart's own rules and dashboards stay out: most of them watch the cluster, which is not the stack's, and none of
them is tested here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi

from archesai_infra.components.base.pods import SECRETS_ANNOTATION
from archesai_infra.components.base.watch.monitors import SCRAPE_INTERVAL
from archesai_infra.components.base.watch.panels import LOKI_SOURCE
from archesai_infra.components.monitoring.settings import MonitoringSettings

RELEASE = "kube-prometheus-stack"
GRAFANA_SERVICE = f"{RELEASE}-grafana"
GRAFANA_PORT = 80
GRAFANA_POD_PORT = 3000
GRAFANA_PODS = {"app.kubernetes.io/name": "grafana"}
GRAFANA_SECRET = "grafana-admin"
GRAFANA_KEY = "admin-password"
SYNC_LOGIN = "printenv GF_SECURITY_ADMIN_PASSWORD | grafana cli admin reset-admin-password --password-from-stdin"
"""Command in Grafana's container: a database on a volume keeps the password that it began with."""
ALERTMANAGER_SECRET = "alertmanager-config"
NODE_NAMESPACE = "node-exporter"
DASHBOARD_LABEL = "grafana_dashboard"
FOLDER_ANNOTATION = "grafana_folder"

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

_SMALL = {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"cpu": "200m", "memory": "256Mi"}}
_RELOADER = {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"cpu": "100m", "memory": "64Mi"}}


@dataclass(frozen=True)
class Surroundings:
    """What the values take from the rest of the stack."""

    namespace: str
    """The stack's own namespace."""
    mirror: str | None
    """Registry that replaces the images' own."""
    login: pulumi.Input[str] | None
    """Fingerprint of Grafana's login: another login is another pod. None where the login is in an existing Secret."""
    keep: bool
    """Whether Grafana's volume outlives the release."""
    grafana_url: str | None
    """Public URL of Grafana, if it has one."""
    loki_url: str


def values(settings: MonitoringSettings, around: Surroundings) -> dict[str, Any]:
    """All values of the release; nothing secret is among them."""
    built: dict[str, Any] = {
        "crds": {"enabled": False},
        "defaultRules": {"create": False},
        # Not to be scraped on most managed clusters, and each writes a Service into kube-system.
        **{part: {"enabled": False} for part in _CONTROL_PLANE},
        "prometheusOperator": _operator(),
        "prometheus": {"prometheusSpec": _prometheus(settings)},
        "alertmanager": {"alertmanagerSpec": _alertmanager(settings)},
        "kube-state-metrics": {"collectors": list(COLLECTORS), "resources": _SMALL},
        "nodeExporter": {"enabled": settings.metrics.nodes},
        "grafana": _grafana(settings, around),
    }
    if settings.metrics.nodes:
        built["prometheus-node-exporter"] = {"namespaceOverride": NODE_NAMESPACE, "resources": _SMALL}
    if around.mirror is not None:
        built["global"] = {"imageRegistry": around.mirror}
    return built


_CONTROL_PLANE = ("kubeApiServer", "kubeControllerManager", "kubeScheduler", "kubeProxy", "kubeEtcd", "coreDns")


def _operator() -> dict[str, Any]:
    return {
        # Rules are tested before they ship; a webhook would be one more thing that can refuse an update.
        "admissionWebhooks": {"enabled": False},
        "tls": {"enabled": False},
        "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"cpu": "500m", "memory": "256Mi"}},
        "prometheusConfigReloader": {"resources": _RELOADER},
    }


def _prometheus(settings: MonitoringSettings) -> dict[str, Any]:
    metrics = settings.metrics
    # Without these only objects labelled with the release's name would count, and the stack's own are not.
    everything = ("serviceMonitor", "podMonitor", "rule", "probe", "scrapeConfig")
    return {
        **{f"{kind}SelectorNilUsesHelmValues": False for kind in everything},
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
        "resources": _SMALL,
    }


def _claim(size: str, storage_class: str | None) -> dict[str, Any]:
    spec: dict[str, Any] = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
    return spec | ({"storageClassName": storage_class} if storage_class else {})


def _grafana(settings: MonitoringSettings, around: Surroundings) -> dict[str, Any]:
    grafana = settings.grafana
    persistence: dict[str, Any] = {"enabled": grafana.size is not None}
    if grafana.size is not None:
        persistence |= {"size": grafana.size}
        persistence |= {"storageClassName": grafana.storage_class} if grafana.storage_class else {}
        # The one claim that is part of a release; those of stateful sets stay by themselves.
        persistence |= {"annotations": {"helm.sh/resource-policy": "keep"}} if around.keep else {}
    # Grafana reads its login when it starts.
    rolls = {"podAnnotations": {SECRETS_ANNOTATION: around.login}} if around.login is not None else {}
    return rolls | {
        "admin": {"existingSecret": grafana.existing_secret or GRAFANA_SECRET},
        "defaultDashboardsEnabled": False,
        # A Role in the stack's namespace and one in its own (added by the chart), instead of a ClusterRole on Secrets.
        "rbac": {"namespaced": True, "namespaces": [around.namespace]},
        "sidecar": _sidecar(settings, around),
        "additionalDataSources": [_loki_source(around)],
        # A ReadWriteOnce volume lets no second pod start beside the first.
        "deploymentStrategy": {"type": "Recreate"},
        # The only container that wants to be root; the group of the volume is right without it.
        "initChownData": {"enabled": False},
        "testFramework": {"enabled": False},
        "persistence": persistence,
        "resources": grafana.resources.requirements(),
        "grafana.ini": _grafana_ini(around),
    }


def _sidecar(settings: MonitoringSettings, around: Surroundings) -> dict[str, Any]:
    return {
        "resources": _SMALL,
        "dashboards": {
            "searchNamespace": [settings.namespace, around.namespace],
            "resource": "configmap",
            "folderAnnotation": FOLDER_ANNOTATION,
            "provider": {"foldersFromFilesStructure": True},
        },
        "datasources": {"resource": "configmap"},
    }


def _loki_source(around: Surroundings) -> dict[str, Any]:
    return {
        "name": "Loki",
        "uid": LOKI_SOURCE,
        "type": "loki",
        "access": "proxy",
        "url": around.loki_url,
        "jsonData": {"maxLines": 1000},
    }


def _grafana_ini(around: Surroundings) -> dict[str, Any]:
    ini: dict[str, Any] = {
        "analytics": {"reporting_enabled": False, "check_for_updates": False, "check_for_plugin_updates": False},
        "auth.anonymous": {"enabled": False},
        "users": {"allow_sign_up": False},
        "security": {"cookie_samesite": "strict"},
    }
    if around.grafana_url is not None:
        ini["server"] = {"root_url": around.grafana_url}
        ini["security"]["cookie_secure"] = around.grafana_url.startswith("https://")
    return ini
