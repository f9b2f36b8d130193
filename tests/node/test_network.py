"""Connections from each pod's network, those of charts' servers included, against the list of flows."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from archesai_infra.kube.network import NamespacePods
from archesai_infra.stack.flows import flows
from testbed.node import layout
from testbed.node.layout import IPV4
from testbed.node.reaching import ask_names, dial_from_node, names_allowed, places, reach
from testbed.node.rig import Nodes
from testbed.node.stack import LiveStack

pytestmark = pytest.mark.node

Running = Callable[[str], LiveStack]


@pytest.mark.parametrize("name", ["dev", "prod", "everything"])
def test_pods_reach_what_the_flows_say_and_nothing_else(running: Running, nodes: Nodes, name: str) -> None:
    tried = reach(running(name), nodes)
    assert tried.wrong == []
    assert len(tried.reached) < tried.tried


def test_servers_of_charts_are_among_the_pods_that_connect(running: Running) -> None:
    stack = running("prod")
    there = list(places(stack))
    sources = {flow.source for flow in flows(stack.evaluation.settings) if isinstance(flow.source, NamespacePods)}
    assert sources
    assert [source for source in sources if not any(place.is_meant_by(source) for place in there)] == []


def test_metadata_of_clouds_answers_where_no_policy_keeps_from_it(nodes: Nodes) -> None:
    addresses = [IPV4.dialed(address, 80) for address in IPV4.metadata]
    answers = dial_from_node(nodes, layout.node_name(1), *addresses)
    assert answers == dict.fromkeys(addresses, "refused")


@pytest.mark.parametrize("name", ["dev", "prod", "everything"])
def test_names_are_asked_over_udp_by_pods_that_connect_and_by_no_others(
    running: Running, nodes: Nodes, name: str
) -> None:
    stack = running(name)
    assert ask_names(stack, nodes) == names_allowed(stack)


def test_names_of_services_are_found_where_connections_are_opened(running: Running) -> None:
    said = running("prod").exec("api", "archesai", "dial", "archesai-postgres:5432", "archesai-redis:6379")
    assert set(json.loads(said).values()) == {"open"}
