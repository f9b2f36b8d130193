"""What resolves names and lets requests in on other clusters, judged by a real network plugin.

The control plane's network gets the addresses that answer there, pods get their namespaces and labels. The nodes have
IPv4 alone: the other family is judged from the policies, in tests/stack/test_clusters.py.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Generator
from ipaddress import ip_network

import pytest

from archesai_infra.components import api, platform
from archesai_infra.components.dns import LINK_LOCAL_RESOLVERS, SERVICE_ADDRESSES
from archesai_infra.stack.evaluate import Evaluation
from testbed.controlplane.api import Object
from testbed.node import layout
from testbed.node.images.recipe import local
from testbed.node.rig import Nodes
from testbed.programs import parts
from testbed.stacks import find, render

pytestmark = pytest.mark.node

OPENSHIFT = "openshift-dns"
RESOLVERS = {
    "169.254.20.10": "NodeLocal DNSCache of the Kubernetes add-on, GKE and Gardener",
    "169.254.25.10": "kubespray",
    "169.254.10.10": "AKS LocalDNS",
    "169.254.10.11": "AKS LocalDNS, for pods",
    "169.254.169.254": "Cloud DNS for GKE",
    "10.100.0.10": "EKS Auto Mode",
    "172.20.0.10": "EKS Auto Mode in a network of 10.0.0.0/8",
    "34.118.224.10": "GKE's NodeLocal DNSCache on the Service's address",
    "10.233.0.3": "kubespray's on the Service's address",
    "100.64.0.10": "Gardener's on the Service's address",
}
"""Addresses that answer without a pod behind them; the one that is missing is that of these nodes' own Service."""
EDGE = {"app": "haproxy"}


class Neighbourhood:
    """A namespace with a stack's policies and a pod for its api and its platform, and pods of others around it."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes, suffix = nodes, uuid.uuid4().hex[:6]
        self.home, self.edge, self.elsewhere = (f"node-{name}-{suffix}" for name in ("home", "edge", "elsewhere"))
        cidrs = [f"{layout.node_address(1)}/32", f"{layout.API}/32"]
        controller = {"namespace": self.edge, "podLabels": EDGE, "cidrs": cidrs}
        ingress = {"enabled": True, "className": "haproxy", "controller": controller}
        stack = render({"namespace": self.home, "domain": "example.com", "ingress": ingress})
        self._namespaces = [_object("Namespace", name) for name in (self.home, self.edge, self.elsewhere, OPENSHIFT)]
        policies = [item for item in stack.objects if item["kind"] == "NetworkPolicy"]
        placed = {
            "api": (self.home, _labels(stack, "archesai-api")),
            "platform": (self.home, _labels(stack, "archesai-platform")),
            "controller": (self.edge, EDGE),
            "beside the controller": (self.edge, {"app": "other"}),
            "false controller": (self.elsewhere, EDGE),
            "cache": ("kube-system", {"k8s-app": "node-local-dns"}),
            "OpenShift's": (OPENSHIFT, {"dns.operator.openshift.io/daemonset-dns": "default"}),
            "beside OpenShift's": (OPENSHIFT, {"app": "other"}),
        }
        pods = {
            name: _pod(f"{suffix}-{number}", namespace, labels)
            for number, (name, (namespace, labels)) in enumerate(placed.items())
        }
        self.made = [*self._namespaces, *policies, *pods.values()]
        nodes.apply(self._namespaces).check()
        nodes.wait_ready(
            *(_object("ServiceAccount", "default", space["metadata"]["name"]) for space in self._namespaces)
        )
        nodes.apply([*policies, *pods.values()]).check()
        self.pods = dict(zip(pods, nodes.wait_ready(*pods.values()), strict=True))

    def address(self, pod: str) -> str:
        return str(self.pods[pod]["status"]["podIP"])

    def reached(self, source: str, *targets: str) -> set[str]:
        """Where a pod gets an answer, if only that nobody listens; policies drop in silence."""
        return _answered(self._nodes.in_pod_network(self.pods[source], *_dial(targets)).stdout)

    def reached_from_node(self, number: int, *targets: str) -> set[str]:
        """The same from the network of a node."""
        return _answered(self._nodes.in_node(layout.node_name(number), *_dial(targets)).stdout)

    def reached_from_outside(self, *targets: str) -> set[str]:
        """The same from the network of the control plane, which is no node's."""
        return _answered(self._nodes.inside(*_dial(targets)).stdout)

    def remove(self) -> None:
        for item in (*self.pods.values(), *self._namespaces):
            self._nodes.api.delete(item)


def _object(kind: str, name: str, namespace: str | None = None) -> Object:
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata}


def _labels(stack: Evaluation, name: str) -> dict[str, str]:
    return find(stack, "Deployment", name)["spec"]["template"]["metadata"]["labels"]


def _pod(name: str, namespace: str, labels: dict[str, str]) -> Object:
    """On the last node: a connection from its own node is none that policies see."""
    container = {"name": "main", "image": local("tools"), "command": ["sleep", "infinity"]}
    spec = {"nodeName": layout.node_name(3), "containers": [container], "terminationGracePeriodSeconds": 0}
    pod = _object("Pod", f"clusters-{name}", namespace)
    pod["metadata"]["labels"] = labels
    return pod | {"spec": spec}


def _dial(targets: tuple[str, ...]) -> tuple[str, ...]:
    return (str(parts.executables("doubles")["archesai"]), "dial", *targets)


def _answered(output: str) -> set[str]:
    return {target for target, answer in json.loads(output).items() if answer != "dropped"}


@pytest.fixture(scope="module")
def neighbourhood(nodes: Nodes) -> Generator[Neighbourhood]:
    for address in RESOLVERS:
        nodes.inside("ip", "address", "replace", f"{address}/32", "dev", "lo")
    made = Neighbourhood(nodes)
    stranger = f"{made.address('platform')}:{platform.PORT}"
    nodes.wait_for("the policies are in force", lambda: list(made.reached("false controller", stranger)))
    yield made
    made.remove()
    for address in RESOLVERS:
        nodes.inside("ip", "address", "del", f"{address}/32", "dev", "lo")


def test_names_are_resolved_at_every_address_of_a_distribution_and_nothing_else_is(
    neighbourhood: Neighbourhood,
) -> None:
    # The address is that of the nodes' own Service, whose pods the next test asks.
    known = {str(ip_network(block).network_address) for block in (*LINK_LOCAL_RESOLVERS, *SERVICE_ADDRESSES)}
    assert set(RESOLVERS) == known - {layout.DNS}
    asked = {f"{address}:53" for address in RESOLVERS}
    others = {f"{address}:{port}" for address in RESOLVERS for port in (80, 443, 5353, 8053)}
    # One address among them is public, and the api may go out on port 443.
    public = {"34.118.224.10:443"}
    assert neighbourhood.reached("api", *asked, *others) == asked | public


def test_names_are_resolved_at_the_pods_of_a_distribution_and_at_no_others(
    neighbourhood: Neighbourhood, nodes: Nodes
) -> None:
    coredns = nodes.pods("kube-system", "k8s-app=kube-dns")[0]["status"]["podIP"]
    cache, openshift = neighbourhood.address("cache"), neighbourhood.address("OpenShift's")
    # kubeadm, EKS, AKS and k3s; Gardener; GKE with Dataplane V2; OpenShift.
    asked = {f"{coredns}:53", f"{coredns}:8053", f"{cache}:53", f"{openshift}:5353"}
    beside = neighbourhood.address("beside OpenShift's")
    others = {f"{coredns}:9153", f"{cache}:8080", f"{openshift}:443", f"{beside}:5353", f"{beside}:53"}
    assert neighbourhood.reached("api", *asked, *others) == asked


def test_a_controller_of_pods_and_the_addresses_of_a_load_balancer_are_let_in_and_nobody_else(
    neighbourhood: Neighbourhood,
) -> None:
    hosts = {
        f"{neighbourhood.address('api')}:{api.PORT}",
        f"{neighbourhood.address('platform')}:{platform.PORT}",
    }
    closed = f"{neighbourhood.address('platform')}:22"
    assert neighbourhood.reached("controller", *hosts, closed) == hosts
    assert neighbourhood.reached_from_node(1, *hosts, closed) == hosts
    assert neighbourhood.reached_from_outside(*hosts, closed) == hosts
    for stranger in ("beside the controller", "false controller"):
        assert neighbourhood.reached(stranger, *hosts) == set(), stranger
    assert neighbourhood.reached_from_node(2, *hosts) == set()
