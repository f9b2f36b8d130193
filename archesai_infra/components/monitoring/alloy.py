"""Values of the Alloy chart and Alloy's configuration: pod logs, read through the Kubernetes API."""

from __future__ import annotations

from typing import Any

RELEASE = "alloy"
PORT = 12345
CONFIG_KEY = "config.alloy"
USER = 473
"""The image's own unprivileged user, which is not its default."""

LABELS = {
    "namespace": "__meta_kubernetes_namespace",
    "pod": "__meta_kubernetes_pod_name",
    "container": "__meta_kubernetes_pod_container_name",
    "component": "__meta_kubernetes_pod_label_app_kubernetes_io_component",
    "instance": "__meta_kubernetes_pod_label_app_kubernetes_io_instance",
}
"""Labels of every log line, and what each is taken from."""


def configuration(namespace: str, loki_url: str) -> str:
    """Follow the logs of a namespace's pods and push them to Loki."""
    rules = "".join(_rule(label, source) for label, source in LABELS.items())
    return f"""\
discovery.kubernetes "pods" {{
  role = "pod"
  namespaces {{
    names = ["{namespace}"]
  }}
}}

discovery.relabel "pods" {{
  targets = discovery.kubernetes.pods.targets
{rules}}}

loki.source.kubernetes "pods" {{
  targets    = discovery.relabel.pods.output
  forward_to = [loki.write.default.receiver]
}}

loki.write "default" {{
  endpoint {{
    url = "{loki_url}/loki/api/v1/push"
  }}
}}
"""


def _rule(label: str, source: str) -> str:
    return f"""
  rule {{
    source_labels = ["{source}"]
    target_label  = "{label}"
  }}
"""


def values(namespace: str, config_map: str, mirror: str | None) -> dict[str, Any]:
    """All values of the release: one pod that may read the logs of one namespace and nothing else."""
    rights = {"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get", "list", "watch"]}
    globals_: dict[str, Any] = {"podSecurityContext": _pod_security()}
    if mirror is not None:
        globals_["image"] = {"registry": mirror}
    return {
        "global": globals_,
        "controller": {
            "type": "deployment",
            "replicas": 1,
            # Another configuration is another ConfigMap, so the pod rolls.
            "volumes": {"extra": [{"name": "tmp", "emptyDir": {"sizeLimit": "256Mi"}}]},
        },
        "alloy": {
            "configMap": {"create": False, "name": config_map, "key": CONFIG_KEY},
            "enableReporting": False,
            "storagePath": "/tmp/alloy",
            "mounts": {"extra": [{"name": "tmp", "mountPath": "/tmp"}]},
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            },
            "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"cpu": "500m", "memory": "512Mi"}},
        },
        "configReloader": {"enabled": False},
        "crds": {"create": False},
        "rbac": {"namespaces": [namespace], "rules": [rights]},
        "serviceMonitor": {"enabled": True},
    }


def _pod_security() -> dict[str, Any]:
    return {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "fsGroup": USER,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
