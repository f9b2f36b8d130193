"""CiliumNetworkPolicies, for peers that Cilium identifies by what they are: no address and no label matches those.

Cilium adds what such a policy allows to what NetworkPolicies allow; default deny stays, since a policy closes only the
directions that it has rules for (https://docs.cilium.io/en/stable/network/kubernetes/policy/).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from archesai_infra.kube.chart_network import ChartNetwork
from archesai_infra.kube.labels import selector
from archesai_infra.kube.network import Entity, Flow, MadePods, Pods

API = "cilium.io/v2"
KIND = "CiliumNetworkPolicy"
NAMESPACE = "k8s:io.kubernetes.pod.namespace"
"""Label that Cilium gives every pod: its namespace."""


def entity_policies(instance: str, flows: Iterable[Flow]) -> dict[str, dict[str, Any]]:
    """Specs of the policies between pods of the stack and entities, by the name of the pods."""
    specs: dict[str, dict[str, Any]] = {}
    for flow in flows:
        match flow:
            case Flow(Pods() | MadePods() as pods, Entity()) | Flow(Entity(), Pods() | MadePods() as pods):
                name, labels = _selected(pods, instance)
                _open(specs.setdefault(name, _endpoints(labels)), flow)
            case _:
                continue
    return specs


def entities_in_spec(pod_labels: Mapping[str, str], entities: Iterable[Entity], port: int) -> dict[str, Any]:
    """Entities to one port of pods that are not a component's own."""
    rule = _rule("fromEntities", [entity.name for entity in entities], [port])
    return _endpoints(pod_labels) | {"ingress": [rule]}


def chart_entity_policies(network: ChartNetwork, namespace: str) -> dict[str, dict[str, Any]]:
    """Specs of the policies of charts' pods for flows from and to entities, by the part that names the pods."""
    specs: dict[str, dict[str, Any]] = {}
    for one, found in network.entity_flows(namespace):
        spec = _endpoints(dict(one.pods.labels) or {NAMESPACE: namespace})
        for flow in found:
            _open(spec, flow)
        specs[one.part] = spec
    return specs


def _open(spec: dict[str, Any], flow: Flow) -> None:
    """Add the rule of a flow from or to an entity."""
    for direction, side, peer in (("ingress", "fromEntities", flow.source), ("egress", "toEntities", flow.target)):
        if isinstance(peer, Entity):
            spec.setdefault(direction, []).append(_rule(side, [peer.name], flow.ports))


def _endpoints(labels: Mapping[str, str]) -> dict[str, Any]:
    return {"endpointSelector": {"matchLabels": dict(labels)}}


def _selected(pods: Pods | MadePods, instance: str) -> tuple[str, dict[str, str]]:
    """Name and labels of pods."""
    if isinstance(pods, MadePods):
        return pods.name, dict(pods.labels)
    return pods.component, selector(pods.component, instance)


def _rule(side: str, entities: list[str], ports: Iterable[int]) -> dict[str, Any]:
    return {side: entities, "toPorts": [{"ports": [{"port": str(port), "protocol": "TCP"} for port in ports]}]}
