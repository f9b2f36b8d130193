"""Network policies on a node: the rules that queue packets, and the program that judges them.

kube-network-policies makes its rules with nftables' `queue` expression, which a kernel built without
CONFIG_NFT_QUEUE lacks; iptables' NFQUEUE target does the same.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from testbed.node import layout
from testbed.node.commands import CommandError, run
from testbed.node.layout import Plan

_TABLE = "kube-network-policies"
_ACCOUNT = Path("/run/secrets/kubernetes.io/serviceaccount")
_RULES = (
    # The kubelet's probes, and whatever else the node itself asks of its pods.
    "-m owner --uid-owner 0 -j ACCEPT",
    "-m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
    "-o lo -j ACCEPT",
    "-j NFQUEUE --queue-num 100",
)
_NEIGHBORS = ("neighbour-solicitation", "neighbour-advertisement", "router-solicitation", "router-advertisement")
"""ICMPv6 in the place of ARP: no policy is about it (RFC 4890, section 4.4.1)."""


def queue_packets(plan: Plan) -> None:
    """Lead the first packet of each connection through the program's queue."""
    if plan.dual_stack:
        for kind in _NEIGHBORS:
            _append("ip6tables", f"-p icmpv6 --icmpv6-type {kind} -j ACCEPT")
    for command in ("iptables", "ip6tables")[: len(plan.families)]:
        for rule in _RULES:
            _append(command, rule)


def _append(command: str, rule: str) -> None:
    run(command, "-t", "mangle", "-A", "POSTROUTING", *rule.split())


def table_command() -> list[str | Path]:
    """What keeps the program's own table for itself as long as it runs.

    Each try of the program to write its rules would end in the kernel dropping all packets that wait in the queue. A
    table that another process owns stops such a try at its first message.
    """
    statement = f"add table inet {_TABLE} {{ flags owner; }}"
    return ["sh", "-c", f"{{ echo '{statement}'; exec sleep infinity; }} | nft -i"]


def table_is_taken() -> bool:
    try:
        run("nft", "list", "table", "inet", _TABLE)
    except CommandError:
        return False
    return True


def command(plan: Plan, number: int) -> list[str | Path]:
    """Write the account that the program looks for and return its command line."""
    _ACCOUNT.mkdir(parents=True)
    shutil.copy(plan.authority, _ACCOUNT / "ca.crt")
    shutil.copy(plan.token, _ACCOUNT / "token")
    return [
        plan.executables["kube-network-policies"],
        f"--hostname-override={layout.node_name(number)}",
        "--netfilter-bug-1766-fix=false",
        "--disable-nri=true",
        "--v=0",
    ]


def environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """What it reads beside the account, as in a pod."""
    return {
        **inherited,
        "KUBERNETES_SERVICE_HOST": layout.API,
        "KUBERNETES_SERVICE_PORT": str(layout.API_PORT),
    }
