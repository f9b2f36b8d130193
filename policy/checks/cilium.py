"""Cilium's own network policies, which allow beside what NetworkPolicies allow."""

from __future__ import annotations

from collections.abc import Iterator

from .access import metadata_in
from .objects import Object

KINDS = ("CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy")
WIDE = ("all", "cluster", "unmanaged", "world", "world-ipv4", "world-ipv6")
"""Entities that are no peer but many, or anybody (https://docs.cilium.io/en/stable/security/policy/layer3/)."""
NAMESPACE = "io.kubernetes.pod.namespace"
"""Label of the namespace of pods, with or without the prefix of its source."""


def open_cilium_policies(item: Object) -> Iterator[str]:
    """A policy of Cilium names its pods and its peers: none lets everybody in, or out to everywhere."""
    if item.get("kind") not in KINDS:
        return
    for spec in [item.get("spec") or {}, *(item.get("specs") or [])]:
        rules = [
            (direction, side, rule)
            for direction, side in (("ingress", "from"), ("egress", "to"))
            for rule in spec.get(direction) or []
        ]
        if rules and _selects_all(spec.get("endpointSelector") or spec.get("nodeSelector") or {}):
            yield "opens something to every pod: name them in endpointSelector"
        for direction, side, rule in rules:
            yield from (f"has an {direction} rule for {what}" for what in _wide(rule, side))


def _wide(rule: Object, side: str) -> Iterator[str]:
    # Ports are no peers: a rule that has ports alone is for everybody.
    named = any(peers for key, peers in rule.items() if key.startswith(side) and key != "toPorts")
    if not named and (rule.get("toPorts") or rule.get("icmps")):
        yield "everybody"
    yield from (f"the entity {entity}" for entity in rule.get(f"{side}Entities") or [] if entity in WIDE)
    yield from ("all namespaces" for selector in rule.get(f"{side}Endpoints") or [] if _spans_namespaces(selector))
    blocks = [{"cidr": network} for network in rule.get(f"{side}CIDR") or []]
    for block in [*blocks, *(rule.get(f"{side}CIDRSet") or [])]:
        if block.get("cidr"):
            yield from metadata_in(block)
    yield from ("every name" for name in rule.get("toFQDNs") or [] if _is_every(name))


def _is_every(name: Object) -> bool:
    return not name.get("matchName") and not str(name.get("matchPattern", "")).strip("*.")


def _selects_all(selector: Object) -> bool:
    return not (selector.get("matchLabels") or selector.get("matchExpressions"))


def _spans_namespaces(selector: Object) -> bool:
    return any(
        str(part.get("key", "")).endswith(NAMESPACE) and part.get("operator") in ("Exists", "NotIn")
        for part in selector.get("matchExpressions") or []
    )
