"""CiliumNetworkPolicies, for peers that Cilium identifies by what they are: no address and no label matches those.

Cilium adds what such a policy allows to what NetworkPolicies allow; default deny stays, since a policy closes only the
directions that it has rules for (https://docs.cilium.io/en/stable/network/kubernetes/policy/).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from archesai_infra.kube.labels import selector
from archesai_infra.kube.network import Entity, Flow, MadePods, Pods

API = "cilium.io/v2"
KIND = "CiliumNetworkPolicy"


def entity_policies(instance: str, flows: Iterable[Flow]) -> dict[str, dict[str, Any]]:
    """Specs of the policies that let pods of the stack reach entities, by the name of the pods."""
    specs: dict[str, dict[str, Any]] = {}
    for flow in flows:
        if isinstance(flow.target, Entity) and isinstance(flow.source, Pods | MadePods):
            name, labels = _selected(flow.source, instance)
            spec = specs.setdefault(name, {"endpointSelector": {"matchLabels": labels}, "egress": []})
            spec["egress"].append(_rule(flow.target, flow.ports))
    return specs


def _selected(pods: Pods | MadePods, instance: str) -> tuple[str, dict[str, str]]:
    """Name and labels of pods."""
    if isinstance(pods, MadePods):
        return pods.name, dict(pods.labels)
    return pods.component, selector(pods.component, instance)


def _rule(entity: Entity, ports: Iterable[int]) -> dict[str, Any]:
    return {
        "toEntities": [entity.name],
        "toPorts": [{"ports": [{"port": str(port), "protocol": "TCP"} for port in ports]}],
    }
