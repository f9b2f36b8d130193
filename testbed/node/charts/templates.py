"""Templates of charts' stand-ins: the real Velero, and in place of every other server a pod with its labels.

Those pods prove who may connect to whom; they do nothing of what the charts' programs do.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import yaml

from testbed.backups.definitions import definitions
from testbed.controlplane.api import Object
from testbed.node.images.recipe import local

_NAME = "app.kubernetes.io/name"
_COMPONENT = "app.kubernetes.io/component"
_USER = 10001
_RESOURCES = {"cpu": "10m", "memory": "32Mi", "ephemeral-storage": "16Mi"}


class Server(NamedTuple):
    """A server that a chart runs: the labels that the chart gives its pods, and the port it listens on."""

    name: str
    labels: Mapping[str, str]
    port: int


SERVERS: dict[str, tuple[Server, ...]] = {
    "traefik": (Server("traefik", {_NAME: "traefik"}, 8000),),
    "cert-manager": (
        Server("controller", {_NAME: "cert-manager", _COMPONENT: "controller", "app": "cert-manager"}, 9402),
        Server("webhook", {_NAME: "webhook", _COMPONENT: "webhook", "app": "webhook"}, 10250),
    ),
    "kube-prometheus-stack": (
        Server("prometheus", {_NAME: "prometheus", "prometheus": "kube-prometheus-stack-prometheus"}, 9090),
        Server("alertmanager", {_NAME: "alertmanager", "alertmanager": "kube-prometheus-stack-alertmanager"}, 9093),
        Server("grafana", {_NAME: "grafana"}, 3000),
    ),
    "loki": (Server("loki", {_NAME: "loki", _COMPONENT: "single-binary"}, 3100),),
    "alloy": (Server("alloy", {_NAME: "alloy"}, 12345),),
}
"""By chart. Labels and ports as in the charts' templates."""


def with_pods(chart: str) -> Mapping[str, str]:
    """Files of a chart that make it run pods, by their path in it; none for charts of definitions."""
    if chart == "velero":
        template = Path(__file__).with_name("velero.yaml").read_text(encoding="utf-8")
        return {"templates/velero.yaml": template, **_velero_definitions()}
    return {f"templates/{server.name}.yaml": yaml.safe_dump(_deployment(server)) for server in SERVERS.get(chart, ())}


def _velero_definitions() -> Mapping[str, str]:
    """A file for each kind: Helm takes no list of them."""
    items = yaml.safe_load(definitions())["items"]
    return {f"crds/{item['metadata']['name']}.yaml": yaml.safe_dump(item) for item in items}


def _deployment(server: Server) -> Object:
    name = f"{{{{ .Release.Name }}}}-{server.name}-server"
    labels = {**server.labels, "app.kubernetes.io/instance": "{{ .Release.Name }}"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": _pod(server)},
        },
    }


def _pod(server: Server) -> Object:
    container: Object = {
        "name": server.name,
        "image": local("tools"),
        "command": ["archesai", "serve", str(server.port), "/"],
        "ports": [{"containerPort": server.port}],
        "readinessProbe": {"httpGet": {"path": "/", "port": server.port}, "periodSeconds": 2},
        "resources": {"requests": _RESOURCES, "limits": _RESOURCES},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
    }
    context: Object = {
        "runAsNonRoot": True,
        "runAsUser": _USER,
        "runAsGroup": _USER,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    return {"securityContext": context, "automountServiceAccountToken": False, "containers": [container]}
