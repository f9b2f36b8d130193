"""Who may be at an end of a connection: a stack's pods, other pods beside it, addresses outside."""

from __future__ import annotations

from collections.abc import Mapping

from testbed.cluster.deployed import Deployed
from testbed.cluster.policies import Network, Outside, Party
from testbed.controlplane.api import Object

COMPONENT = "app.kubernetes.io/component"
STRANGERS = "strangers"

OUTSIDE: dict[str, Party] = {
    "internet": Outside("45.0.0.10"),
    "internet over IPv6": Outside("2600:1f00::10"),
    "metadata": Outside("169.254.169.254"),
    "node-local DNS": Outside("169.254.20.10"),
    "private 10/8": Outside("10.1.2.3"),
    "private 10.20/16": Outside("10.20.0.5"),
    "private 172.16/12": Outside("172.16.0.9"),
    "private 192.168/16": Outside("192.168.1.1"),
    "shared 100.64/10": Outside("100.64.0.1"),
    "the API server": Outside("10.96.0.1"),
}
"""10.20.0.0/16 is what `everything` lists in `api.egress`, 10.96.0.1 the address in `cluster.apiServer`."""

CONTROLLER = {"app.kubernetes.io/name": "traefik"}
PROMETHEUS = {"app.kubernetes.io/name": "prometheus"}
LOKI = {"app.kubernetes.io/name": "loki"}
GRAFANA = {"app.kubernetes.io/name": "grafana"}
VELERO = {"app.kubernetes.io/name": "velero"}
SOLVER = {"acme.cert-manager.io/http01-solver": "true"}


def neighbours(stack: Deployed) -> dict[str, Object]:
    """Pods that charts and others would run beside a stack with everything, by the name of the party."""
    home = stack.namespace
    api = {**stack.pods("api")[0]["metadata"]["labels"]}
    placed: dict[str, tuple[str, Mapping[str, str]]] = {
        "controller": (f"{home}-ingress", CONTROLLER),
        "beside the controller": (f"{home}-ingress", {"app.kubernetes.io/name": "other"}),
        "prometheus": (f"{home}-monitoring", PROMETHEUS),
        "loki": (f"{home}-monitoring", LOKI),
        "grafana": (f"{home}-monitoring", GRAFANA),
        "velero": (f"{home}-velero", VELERO),
        "certificate solver": (home, SOLVER),
        "bystander": (home, {"app": "bystander"}),
        "false controller": (STRANGERS, CONTROLLER),
        "false prometheus": (STRANGERS, PROMETHEUS),
        "false api": (STRANGERS, api),
    }
    return {party: _pod(namespace, party, labels) for party, (namespace, labels) in placed.items()}


def _pod(namespace: str, party: str, labels: Mapping[str, str]) -> Object:
    """A pod that Pod Security `restricted` takes."""
    security = {
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    name = f"party-{party.replace(' ', '-')}"
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": dict(labels)},
        "spec": {"containers": [{"name": "main", "image": "program", "securityContext": security}]},
    }


def of_stack(network: Network, namespace: str) -> dict[str, Party]:
    """One pod of each component of a stack, those that have ended too."""
    found = [pod for pod in network.pods if pod.namespace == namespace and COMPONENT in pod.labels]
    return {pod.labels[COMPONENT]: pod for pod in found}


def of_others(network: Network, pods: Mapping[str, Object]) -> dict[str, Party]:
    """Neighbours and the cluster's DNS, as the API server has them."""
    wanted = {(item["metadata"]["namespace"], item["metadata"]["name"]): party for party, item in pods.items()}
    found: dict[str, Party] = {
        wanted[pod.namespace, pod.name]: pod for pod in network.pods if (pod.namespace, pod.name) in wanted
    }
    dns = next(pod for pod in network.pods if pod.labels.get("k8s-app") == "kube-dns")
    return found | {"kube-dns": dns}
