"""How Prometheus reads the kubelets: a configuration of its own, as it sends the pod's token.

The chart's ServiceMonitor would do, but while monitors may name files of Prometheus' pod, whoever makes one can have
that token sent to a target of theirs.
"""

from __future__ import annotations

from typing import Any

from archesai_infra.components.monitoring.watched import KUBELET

NAMESPACE = "kube-system"
"""Namespace that the kubelets' own series are labelled with: kubelets are in none."""
_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount"
_UNUSED = (
    "container_blkio_.*",
    "container_file_descriptors",
    "container_fs_(io|reads_merged|sector|writes_merged).*",
    "container_memory_(mapped_file|swap)",
    "container_spec_.*",
    "container_(tasks_state|threads.*)",
)
"""Metrics of cAdvisor that are many or always zero."""


def scrape_configs() -> list[dict[str, Any]]:
    """The kubelets' own metrics, those of the volumes among them, and those of the containers."""
    containers = _job(f"{KUBELET}-containers", "/metrics/cadvisor")
    containers["metric_relabel_configs"] = [
        {"action": "drop", "source_labels": ["__name__"], "regex": "|".join(_UNUSED)},
        # Control groups above the pods.
        {"action": "drop", "source_labels": ["id", "pod"], "regex": ".+;"},
    ]
    return [_job(KUBELET, "/metrics"), containers]


def _job(name: str, path: str) -> dict[str, Any]:
    fixed = {"job": KUBELET, "namespace": NAMESPACE}
    return {
        "job_name": name,
        "scheme": "https",
        "metrics_path": path,
        # The namespace of a container or volume is its own.
        "honor_labels": True,
        "kubernetes_sd_configs": [{"role": "node"}],
        "authorization": {"credentials_file": f"{_TOKEN}/token"},
        # Kubelets make their certificates themselves unless the cluster says otherwise.
        "tls_config": {"ca_file": f"{_TOKEN}/ca.crt", "insecure_skip_verify": True},
        "relabel_configs": [
            *({"target_label": label, "replacement": value} for label, value in fixed.items()),
            {"source_labels": ["__meta_kubernetes_node_name"], "target_label": "node"},
            {"source_labels": ["__metrics_path__"], "target_label": "metrics_path"},
        ],
    }
