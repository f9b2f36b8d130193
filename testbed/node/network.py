"""The network of a cluster: a bridge that joins the nodes, and routes to their pods."""

from __future__ import annotations

from pathlib import Path

from testbed.node import layout
from testbed.node.commands import run
from testbed.node.layout import Plan

_BRIDGE = "nodes"


def furnish_control_plane(plan: Plan) -> None:
    """In the control plane's network: the bridge with its address, and those of internet and clouds."""
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", _BRIDGE, "type", "bridge")
    for family in plan.families:
        _add_address(f"{family.api}/{family.prefix}", _BRIDGE)
        for address in (family.internet, *family.metadata):
            _add_address(f"{address}/{family.host}", "lo")
    run("ip", "link", "set", _BRIDGE, "up")
    _forward(plan)


def connect_node(plan: Plan, number: int, process: int) -> None:
    """Plug the network of that process into the bridge, and route its pods' addresses there."""
    name = layout.node_name(number)
    run("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", str(process))
    run("ip", "link", "set", name, "master", _BRIDGE, "up")
    for family in plan.families:
        run("ip", "route", "add", family.pod_range(number), "via", family.node_address(number))


def furnish_node(plan: Plan, number: int) -> None:
    """In a node's network: its address, a way out, and routes to the other nodes' pods."""
    run("ip", "link", "set", "lo", "up")
    for family in plan.families:
        _add_address(f"{family.node_address(number)}/{family.prefix}", "eth0")
    run("ip", "link", "set", "eth0", "up")
    for family in plan.families:
        run("ip", "route", "add", family.everywhere, "via", family.api)
        for other in range(1, plan.nodes + 1):
            if other != number:
                run("ip", "route", "add", family.pod_range(other), "via", family.node_address(other))
    _forward(plan)


def _add_address(address: str, device: str) -> None:
    # Nobody else has it: an address of IPv6 is of use at once, not after a second of asking around.
    flags = ["nodad"] if ":" in address else []
    run("ip", "address", "add", address, "dev", device, *flags)


def _forward(plan: Plan) -> None:
    for family in plan.families:
        Path(family.forwarding).write_text("1", encoding="ascii")
