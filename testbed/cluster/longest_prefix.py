"""Address blocks as a plugin enforces them that keeps one entry for each prefix and looks for the longest.

That is the VPC CNI of AWS. Source: `ComputeMapEntriesFromEndpointRules` of
https://github.com/aws/aws-network-policy-agent/blob/v1.4.1/pkg/fwruleprocessor/fw_rule_processor.go. An exception is an
entry too, which denies, so that the exceptions of one rule close what another rule opens by a shorter prefix:
https://github.com/aws/amazon-network-policy-controller-k8s/issues/121. Pods that a rule selects are entries of one
address.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Block = IPv4Network | IPv6Network


@dataclass(frozen=True)
class Entry:
    """A block that some rule names."""

    block: Block
    excepted: tuple[Block, ...]
    opens: bool
    """Whether the rule opens the port in question."""


def opens(entries: Iterable[Entry], address: IPv4Address | IPv6Address) -> bool:
    """Whether the longest prefix that holds the address opens the port."""
    opened: dict[Block, bool] = {}
    excepted: dict[Block, set[Block]] = {}
    for entry in entries:
        if address in entry.block:
            opened[entry.block] = opened.get(entry.block, False) or entry.opens
            excepted.setdefault(entry.block, set()).update(entry.excepted)
    # A block has the ports of those around it, unless it begins in one of their exceptions.
    for block in sorted(opened, key=_length):
        around = (one for one in opened if _length(one) < _length(block))
        inherited = (opened[one] for one in around if not any(block.network_address in out for out in excepted[one]))
        opened[block] = any(inherited) or opened[block]
    closed = {out for outs in excepted.values() for out in outs if address in out}
    longest = max([*opened, *closed], key=_length, default=None)
    return longest is not None and opened.get(longest, False)


def _length(block: Block) -> int:
    return block.prefixlen
