"""Connections from each pod's network, those of charts' servers included, against the list of flows."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from archesai_infra.kube.network import DNS_PORT, Addresses, Entity, NamespacePods, Peer, Pods, connecting
from archesai_infra.stack.flows import flows
from testbed.controlplane.api import Object
from testbed.node import asking, layout
from testbed.node.rig import Nodes
from testbed.node.stack import COMPONENT, LiveStack
from testbed.programs import parts

pytestmark = pytest.mark.node

Running = Callable[[str], LiveStack]
Target = tuple[str, int]

INTERNET = "internet"
NAMES = "the cluster's DNS"
OUTSIDE: dict[str, tuple[str, tuple[int, ...]]] = {
    NAMES: (layout.DNS, (DNS_PORT,)),
    INTERNET: (layout.INTERNET, (80, 443, 5000)),
    "the API server": (layout.API, (layout.API_PORT,)),
    "a kubelet of another node": (layout.node_address(1), (10250,)),
}
"""What is no pod: its address and ports."""


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


@pytest.mark.parametrize("name", ["dev", "prod", "everything"])
def test_pods_reach_what_the_flows_say_and_nothing_else(running: Running, nodes: Nodes, name: str) -> None:
    stack = running(name)
    places = list(_places(stack))
    targets = dict(_targets(places))
    wrong: list[str] = []
    for place in places:
        others = {target for target in targets if _is_policed(target, place, places)}
        reached = _reached(nodes, place.pod, {target: targets[target] for target in others})
        allowed = _allowed(stack, place, places) & others
        wrong += [f"{place.name} reaches {target}" for target in sorted(reached - allowed)]
        wrong += [f"{place.name} does not reach {target}" for target in sorted(allowed - reached)]
    assert wrong == []
    assert len(targets) > len(places)


def test_servers_of_charts_are_among_the_pods_that_connect(running: Running) -> None:
    stack = running("prod")
    places = list(_places(stack))
    sources = {flow.source for flow in flows(stack.evaluation.settings) if isinstance(flow.source, NamespacePods)}
    assert sources
    assert [source for source in sources if not any(place.is_meant_by(source) for place in places)] == []


@pytest.mark.parametrize("name", ["dev", "prod", "everything"])
def test_names_are_asked_over_udp_by_pods_that_connect_and_by_no_others(
    running: Running, nodes: Nodes, name: str
) -> None:
    stack = running(name)
    own = [place for place in _places(stack) if place.own]
    command = (sys.executable, asking.__file__, layout.DNS, "kubernetes.default.svc.cluster.local")
    with ThreadPoolExecutor() as pool:
        questions = {place.name: pool.submit(nodes.in_pod_network, place.pod, *command) for place in own}
    answers = {component: question.result().stdout.strip() for component, question in questions.items()}
    asking_components = connecting(flows(stack.evaluation.settings))
    assert answers == {one: "answered" if one in asking_components else "dropped" for one in answers}


def test_names_of_services_are_found_where_connections_are_opened(running: Running) -> None:
    said = running("prod").exec("api", "archesai", "dial", "archesai-postgres:5432", "archesai-redis:6379")
    assert set(json.loads(said).values()) == {"open"}


def _places(stack: LiveStack) -> Iterator[Place]:
    """One pod of each component and of each server of a chart."""
    own = {pod["metadata"]["labels"][COMPONENT]: pod for pod in stack.pods() if _runs(pod)}
    yield from (Place(component, pod, own=True) for component, pod in own.items())
    for namespace in stack.chart_namespaces():
        pods = {_server(pod): pod for pod in stack.cluster.pods(namespace) if _runs(pod)}
        yield from (Place(f"{namespace}/{server}", pod, own=False) for server, pod in pods.items())


def _runs(pod: Object) -> bool:
    return pod["status"]["phase"] == "Running"


def _server(pod: Object) -> str:
    return str(pod["spec"]["containers"][0]["name"])


def _targets(places: list[Place]) -> Iterator[tuple[Target, str]]:
    """Every port that a pod names, and what is outside, with the address to dial."""
    for place in places:
        yield from (((place.name, port), f"{place.pod['status']['podIP']}:{port}") for port in place.ports)
    for name, (address, ports) in OUTSIDE.items():
        for number in ports:
            yield (name, number), f"{address}:{number}"


def _reached(nodes: Nodes, pod: Object, targets: dict[Target, str]) -> set[Target]:
    """Where an answer comes from; a port on which nobody listens answers too, policies drop in silence."""
    program = parts.executables("doubles")["archesai"]
    done = nodes.in_pod_network(pod, str(program), "dial", *targets.values())
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    return {target for target, address in targets.items() if answers[address] != "dropped"}


def _allowed(stack: LiveStack, place: Place, places: list[Place]) -> set[Target]:
    """What the stack's list of flows lets pods reach: other pods, the internet and DNS."""
    found: set[Target] = set()
    declared = flows(stack.evaluation.settings)
    if place.own and place.name in connecting(declared):
        found.add((NAMES, DNS_PORT))
    for flow in (flow for flow in declared if place.is_meant_by(flow.source)):
        names = [target.name for target in places if target.is_meant_by(flow.target)]
        names += [INTERNET] if isinstance(flow.target, Addresses) else []
        found |= {(name, port) for name in names for port in flow.ports}
    return found


def _is_policed(target: Target, place: Place, places: list[Place]) -> bool:
    """Whether a policy of the stack is about it: not the pod itself, its node, nor what charts' pods do elsewhere."""
    name, _ = target
    if name == place.name or (name in OUTSIDE and OUTSIDE[name][0] == place.pod["status"]["hostIP"]):
        return False
    return place.own or any(one.own and one.name == name for one in places)
