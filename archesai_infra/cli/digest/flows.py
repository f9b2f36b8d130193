"""The network flows that a preview opens and closes, read from its network policies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from archesai_infra.kube import cilium
from archesai_infra.kube.labels import COMPONENT, NAME

POLICIES = ("NetworkPolicy", cilium.KIND)
"""Kinds of network policies."""
_NAMESPACE = "kubernetes.io/metadata.name"
_TO = " -> "


class FlowChanges(NamedTuple):
    """Flows as `source -> target:port`, with several addresses or ports between commas."""

    opened: list[str]
    closed: list[str]


def flow_changes(preview: Mapping[str, Any]) -> FlowChanges:
    """What the policies of a preview allow that they did not allow before, and the reverse."""
    before: set[str] = set()
    after: set[str] = set()
    for step in preview.get("steps", []):
        for state, flows in (("oldState", before), ("newState", after)):
            inputs = (step.get(state) or {}).get("inputs") or {}
            if inputs.get("kind") in POLICIES and "spec" in inputs:
                flows |= set(_flows(inputs["spec"]))
    return FlowChanges(_folded(after - before), _folded(before - after))


def _folded(flows: set[str]) -> list[str]:
    """Flows in order; from one source, addresses with the same ports are one flow, as those of name servers are."""
    ports: dict[tuple[str, str], set[str]] = {}
    for flow in flows:
        route, _, port = flow.rpartition(":")
        source, _, target = route.partition(_TO)
        ports.setdefault((source, target), set()).add(port)
    targets: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (source, target), of_target in ports.items():
        targets.setdefault((source, tuple(sorted(of_target))), []).append(target)
    folded: list[str] = []
    for (source, of_targets), names in targets.items():
        addresses = sorted(name for name in names if "/" in name and name[0].isdigit())
        alone = [name for name in names if name not in addresses]
        groups = [", ".join(addresses), *alone] if addresses else alone
        folded += [f"{source}{_TO}{group}:{','.join(of_targets)}" for group in groups]
    return sorted(folded)


def policy_changes(old: object, new: object) -> list[str]:
    """What one policy opens and closes, such as `opens api -> redis:6379`; empty where only its form differs."""
    before, after = (
        set(_flows(item["spec"])) if isinstance(item, Mapping) and "spec" in item else set[str]() for item in (old, new)
    )
    return [f"opens {flow}" for flow in sorted(after - before)] + [f"closes {flow}" for flow in sorted(before - after)]


def _flows(spec: Mapping[str, Any]) -> Iterator[str]:
    if "endpointSelector" in spec:
        yield from _with_entities(spec)
        return
    own = _pods(spec.get("podSelector") or {})
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for rule in spec.get(direction) or []:
            for peer in rule.get(peers) or [{}]:
                for port in rule.get("ports") or [{}]:
                    source, target = (_peer(peer), own) if direction == "ingress" else (own, _peer(peer))
                    yield f"{source} -> {target}:{port.get('port', 'any port')}"


def _with_entities(spec: Mapping[str, Any]) -> Iterator[str]:
    """Flows of a CiliumNetworkPolicy as the stack makes it."""
    own = _pods(spec["endpointSelector"])
    for direction, side in (("ingress", "fromEntities"), ("egress", "toEntities")):
        for rule in spec.get(direction) or []:
            ports = [port["port"] for part in rule["toPorts"] for port in part["ports"]]
            for entity in rule.get(side) or []:
                source, target = (entity, own) if direction == "ingress" else (own, entity)
                yield from (f"{source} -> {target}:{port}" for port in ports)


def _peer(peer: Mapping[str, Any]) -> str:
    if block := peer.get("ipBlock"):
        return str(block["cidr"])
    if namespaces := peer.get("namespaceSelector"):
        name = (namespaces.get("matchLabels") or {}).get(_NAMESPACE, "any namespace")
        pods = (peer.get("podSelector") or {}).get("matchLabels") or {}
        return f"{name}/{pods[NAME]}" if NAME in pods else f"namespace {name}"
    return _pods(peer["podSelector"]) if "podSelector" in peer else "anywhere"


def _pods(selector: Mapping[str, Any]) -> str:
    return str((selector.get("matchLabels") or {}).get(COMPONENT, "every pod"))
