"""Connections from the pods of a stack on real nodes, and which of them its list of flows allows."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from archesai_infra.kube.network import DNS_PORT, Addresses, Entity, NamespacePods, Peer, Pods, connecting
from archesai_infra.stack.flows import flows
from testbed.controlplane.api import Object
from testbed.node import asking, layout
from testbed.node.layout import IPV4, Family
from testbed.node.rig import Nodes
from testbed.node.stack import COMPONENT, LiveStack
from testbed.programs import parts

Target = tuple[str, int]

INTERNET = "internet"
NAMES = "the cluster's DNS"


@dataclass(frozen=True)
class Place:
    """A kind of pods, and one of them."""

    name: str
    pod: Object
    own: bool
    """Whether it is the stack's own: nothing of the stack polices where the charts' pods connect to."""

    @property
    def ports(self) -> Iterator[int]:
        for container in self.pod["spec"]["containers"]:
            yield from (port["containerPort"] for port in container.get("ports", []))

    def is_meant_by(self, peer: Peer | Entity) -> bool:
        """Whether a flow's end is these pods."""
        if isinstance(peer, NamespacePods):
            metadata = self.pod["metadata"]
            return metadata["namespace"] == peer.namespace and set(peer.labels) <= set(metadata["labels"].items())
        return self.own and peer == Pods(self.name)

    def address(self, family: Family) -> str:
        """Address of the pod."""
        return next(one["ip"] for one in self.pod["status"]["podIPs"] if family.has(one["ip"]))


@dataclass(frozen=True)
class Reach:
    """What the pods of a stack reach over one version of IP, against what the flows allow."""

    allowed: frozenset[tuple[str, Target]]
    reached: frozenset[tuple[str, Target]]
    tried: int

    @property
    def wrong(self) -> list[str]:
        """Connections that should not be, or that should and are not."""
        found = [f"{place} reaches {target}" for place, target in sorted(self.reached - self.allowed)]
        return found + [f"{place} does not reach {target}" for place, target in sorted(self.allowed - self.reached)]


def reach(stack: LiveStack, nodes: Nodes, family: Family = IPV4) -> Reach:
    """Try every connection from each pod of a stack that its policies are about."""
    there = list(places(stack))
    targets = dict(_targets(there, family))
    allowed: set[tuple[str, Target]] = set()
    reached: set[tuple[str, Target]] = set()
    tried = 0
    for place in there:
        others = {target: address for target, address in targets.items() if _is_policed(target, place, there)}
        tried += len(others)
        allowed |= {(place.name, target) for target in _allowed(stack, place, there) if target in others}
        reached |= {(place.name, target) for target in reached_from(nodes, place.pod, others)}
    return Reach(frozenset(allowed), frozenset(reached), tried)


def dial(nodes: Nodes, pod: Object, *addresses: str) -> dict[str, str]:
    """What a connection from a pod's network meets, by address: `open`, `refused` or `dropped`."""
    return _answers(nodes.in_pod_network(pod, *_dialing(*addresses)))


def dial_from_node(nodes: Nodes, node: str, *addresses: str) -> dict[str, str]:
    """The same from the network of a node, which no policy is about."""
    return _answers(nodes.in_node(node, *_dialing(*addresses)))


def ask_names(stack: LiveStack, nodes: Nodes, family: Family = IPV4) -> dict[str, str]:
    """What becomes of a question to the cluster's DNS over UDP, by component: `answered`, `refused` or `dropped`."""
    own = [place for place in places(stack) if place.own]
    command = (sys.executable, asking.__file__, family.dns, "kubernetes.default.svc.cluster.local")
    with ThreadPoolExecutor() as pool:
        questions = {place.name: pool.submit(nodes.in_pod_network, place.pod, *command) for place in own}
    return {component: question.result().stdout.strip() for component, question in questions.items()}


def names_allowed(stack: LiveStack) -> dict[str, str]:
    """What the flows say of the same questions."""
    asking_components = connecting(flows(stack.evaluation.settings))
    own = [place.name for place in places(stack) if place.own]
    return {one: "answered" if one in asking_components else "dropped" for one in own}


def places(stack: LiveStack) -> Iterator[Place]:
    """One pod of each component and of each server of a chart."""
    own = {pod["metadata"]["labels"][COMPONENT]: pod for pod in stack.pods() if _runs(pod)}
    yield from (Place(component, pod, own=True) for component, pod in own.items())
    for namespace in stack.chart_namespaces():
        pods = {_server(pod): pod for pod in stack.cluster.pods(namespace) if _runs(pod)}
        yield from (Place(f"{namespace}/{server}", pod, own=False) for server, pod in pods.items())


def _dialing(*addresses: str) -> list[str]:
    return [str(parts.executables("doubles")["archesai"]), "dial", *addresses]


def _answers(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def no_pods(family: Family) -> dict[str, tuple[str, tuple[int, ...]]]:
    """What is no pod: its address and ports."""
    return {
        NAMES: (family.dns, (DNS_PORT,)),
        INTERNET: (family.internet, (80, 443, 5000)),
        "the API server": (family.api, (layout.API_PORT,)),
        "a kubelet of another node": (family.node_address(1), (10250,)),
        **{f"a cloud's metadata at {address}": (address, (80,)) for address in family.metadata},
    }


def _runs(pod: Object) -> bool:
    return pod["status"]["phase"] == "Running"


def _server(pod: Object) -> str:
    return str(pod["spec"]["containers"][0]["name"])


def _targets(there: list[Place], family: Family) -> Iterator[tuple[Target, str]]:
    """Every port that a pod names, and what is outside, with the address to dial."""
    for place in there:
        yield from (((place.name, port), family.dialed(place.address(family), port)) for port in place.ports)
    for name, (address, ports) in no_pods(family).items():
        for number in ports:
            yield (name, number), family.dialed(address, number)


def reached_from(nodes: Nodes, pod: Object, targets: dict[Target, str]) -> set[Target]:
    """Where an answer comes from; a port on which nobody listens answers too, policies drop in silence."""
    answers = dial(nodes, pod, *targets.values())
    return {target for target, address in targets.items() if answers[address] != "dropped"}


def _allowed(stack: LiveStack, place: Place, there: list[Place]) -> set[Target]:
    """What the stack's list of flows lets pods reach: other pods, the internet and DNS."""
    found: set[Target] = set()
    declared = flows(stack.evaluation.settings)
    if place.own and place.name in connecting(declared):
        found.add((NAMES, DNS_PORT))
    for flow in (flow for flow in declared if place.is_meant_by(flow.source)):
        names = [target.name for target in there if target.is_meant_by(flow.target)]
        names += [INTERNET] if isinstance(flow.target, Addresses) else []
        found |= {(name, port) for name in names for port in flow.ports}
    return found


def _is_policed(target: Target, place: Place, there: list[Place]) -> bool:
    """Whether a policy of the stack is about it: not the pod itself, its node, nor what charts' pods do elsewhere."""
    name, _ = target
    outside = no_pods(IPV4)
    if name == place.name or (name in outside and outside[name][0] == place.pod["status"]["hostIP"]):
        return False
    return place.own or any(one.own and one.name == name for one in there)
