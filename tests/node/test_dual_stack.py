"""A stack on a node with both versions of IP: its policies hold over IPv6 as they do over IPv4."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

from archesai_infra.components import api
from testbed.cluster.scenarios import merged
from testbed.controlplane.api import Object
from testbed.node import images, lacks
from testbed.node.layout import IPV4, IPV6, Family
from testbed.node.reaching import ask_names, dial, names_allowed, reach
from testbed.node.rig import Nodes
from testbed.node.stack import COMPONENT, NodeStack, shipped

pytestmark = pytest.mark.node

CHOSEN = "ARCHESAI_DUAL_STACK"
"""Environment variable that has these tests run."""


@pytest.fixture(scope="module")
def both_families(tmp_path_factory: pytest.TempPathFactory) -> Generator[Nodes]:
    """A node with addresses of both versions, as its pods and Services have."""
    if os.environ.get(CHOSEN) != "1":
        pytest.skip(f"starts a cluster of its own: {CHOSEN}=1 make test-node runs it")
    directory = tmp_path_factory.mktemp("dual-stack")
    with Nodes(directory, images=[images.ensure(print, *lacks.IMAGES)], dual_stack=True) as started:
        started.apply([_service("kube-system", {"k8s-app": "kube-dns"}, 53, IPV6.dns)]).check()
        yield started


@pytest.fixture(scope="module")
def stack(both_families: Nodes) -> NodeStack:
    """The development stack, with browsers that open pages of the internet."""
    config = merged(shipped("dev"), {"scraper": {"enabled": True}})
    return NodeStack(both_families, "dev", config).apply().wait_ready()


@pytest.mark.parametrize("family", [IPV4, IPV6], ids=["IPv4", "IPv6"])
def test_pods_reach_what_the_flows_say_and_nothing_else(stack: NodeStack, both_families: Nodes, family: Family) -> None:
    tried = reach(stack, both_families, family)
    assert tried.wrong == []
    assert 0 < len(tried.reached) < tried.tried


@pytest.mark.parametrize("family", [IPV4, IPV6], ids=["IPv4", "IPv6"])
def test_names_are_asked_by_pods_that_connect_and_by_no_others(
    stack: NodeStack, both_families: Nodes, family: Family
) -> None:
    assert ask_names(stack, both_families, family) == names_allowed(stack)


def test_a_service_with_an_address_of_ipv6_leads_to_the_pods_for_those_whom_they_let_in(
    stack: NodeStack, both_families: Nodes
) -> None:
    address = "fd00:96::3001"
    both_families.apply([_service(stack.namespace, {COMPONENT: "api"}, api.PORT, address)]).check()
    target = IPV6.dialed(address, api.PORT)

    def answer(component: str) -> str:
        return dial(both_families, stack.pod(component), target)[target]

    both_families.wait_for("the Service is served", lambda: [] if answer("platform") == "open" else ["not yet"])
    assert answer("database") == "dropped"


def _service(namespace: str, selector: dict[str, str], port: int, address: str) -> Object:
    """A Service of IPv6 alone, over TCP and UDP."""
    ports = [{"name": protocol.lower(), "port": port, "protocol": protocol} for protocol in ("TCP", "UDP")]
    spec = {"ipFamilies": ["IPv6"], "clusterIP": address, "selector": selector, "ports": ports}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "by-ipv6", "namespace": namespace},
        "spec": spec,
    }
