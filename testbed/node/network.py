"""The network of a cluster: a bridge that joins the nodes, and routes to their pods."""

from __future__ import annotations

from pathlib import Path

from testbed.node import layout
from testbed.node.commands import run

_BRIDGE = "nodes"
_FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")


def furnish_control_plane() -> None:
    """In the control plane's network: the bridge with its address, and the address that counts as the internet."""
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", _BRIDGE, "type", "bridge")
    run("ip", "address", "add", f"{layout.API}/24", "dev", _BRIDGE)
    run("ip", "address", "add", f"{layout.INTERNET}/32", "dev", "lo")
    run("ip", "link", "set", _BRIDGE, "up")
    _FORWARDING.write_text("1", encoding="ascii")


def connect_node(number: int, process: int) -> None:
    """Plug the network of that process into the bridge, and route its pods' addresses there."""
    name = layout.node_name(number)
    run("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", str(process))
    run("ip", "link", "set", name, "master", _BRIDGE, "up")
    run("ip", "route", "add", layout.pod_range(number), "via", layout.node_address(number))


def furnish_node(number: int, nodes: int) -> None:
    """In a node's network: its address, a way out, and routes to the other nodes' pods."""
    run("ip", "link", "set", "lo", "up")
    run("ip", "address", "add", f"{layout.node_address(number)}/24", "dev", "eth0")
    run("ip", "link", "set", "eth0", "up")
    run("ip", "route", "add", "default", "via", layout.API)
    for other in range(1, nodes + 1):
        if other != number:
            run("ip", "route", "add", layout.pod_range(other), "via", layout.node_address(other))
    _FORWARDING.write_text("1", encoding="ascii")
