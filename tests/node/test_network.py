"""Who reaches whom, with real connections from each pod's network, against the list of flows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from archesai_infra.kube.network import DNS_PORT, Addresses, Pods, connecting
from archesai_infra.stack.flows import flows
from testbed.controlplane.api import Object
from testbed.node import layout
from testbed.node.rig import Nodes
from testbed.node.stack import COMPONENT, NodeStack
from testbed.programs import parts

pytestmark = pytest.mark.node

Running = Callable[[str], NodeStack]
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


@pytest.mark.parametrize("name", ["dev", "prod", "everything"])
def test_pods_reach_what_the_flows_say_and_nothing_else(running: Running, nodes: Nodes, name: str) -> None:
    stack = running(name)
    sources = {pod["metadata"]["labels"][COMPONENT]: pod for pod in _running(stack)}
    targets = dict(_targets(sources))
    wrong: list[str] = []
    for component, pod in sources.items():
        reached = _reached(nodes, pod, targets)
        allowed = _allowed(stack, component) & targets.keys()
        others = {target for target in targets if not _is_own(target, component, pod)}
        wrong += [f"{component} reaches {target}" for target in sorted((reached & others) - allowed)]
        wrong += [f"{component} does not reach {target}" for target in sorted((allowed & others) - reached)]
    assert wrong == []
    assert len(targets) > len(sources)


def test_names_of_services_are_found_where_connections_are_opened(running: Running) -> None:
    said = running("prod").exec("api", "archesai", "dial", "archesai-postgres:5432", "archesai-redis:6379")
    assert set(json.loads(said).values()) == {"open"}


def _running(stack: NodeStack) -> list[Object]:
    return [pod for pod in stack.pods() if pod["status"]["phase"] == "Running"]


def _targets(pods: dict[str, Object]) -> Iterator[tuple[Target, str]]:
    """Every port that a pod names, and what is outside, with the address to dial."""
    for component, pod in pods.items():
        for container in pod["spec"]["containers"]:
            for port in container.get("ports", []):
                number = port["containerPort"]
                yield (component, number), f"{pod['status']['podIP']}:{number}"
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


def _allowed(stack: NodeStack, component: str) -> set[Target]:
    """What the stack's list of flows lets a component reach, among pods, the internet and DNS."""
    found: set[Target] = set()
    declared = flows(stack.evaluation.settings)
    if component in connecting(declared):
        found.add((NAMES, DNS_PORT))
    for flow in declared:
        if flow.source == Pods(component):
            name = flow.target.component if isinstance(flow.target, Pods) else INTERNET
            if isinstance(flow.target, Pods | Addresses):
                found |= {(name, port) for port in flow.ports}
    return found


def _is_own(target: Target, component: str, pod: Object) -> bool:
    """What no policy is about: the pod itself, and the node that it is on."""
    return target[0] == component or (target[0] in OUTSIDE and OUTSIDE[target[0]][0] == pod["status"]["hostIP"])
