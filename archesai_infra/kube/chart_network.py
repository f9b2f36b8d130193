"""NetworkPolicies of the namespaces that a stack makes for charts: default deny, and what their pods need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from pulumi_kubernetes.meta.v1 import LabelSelectorArgsDict
from pulumi_kubernetes.networking.v1 import NetworkPolicyEgressRuleArgsDict, NetworkPolicySpecArgsDict

from archesai_infra.kube.network import Entity, Flow, NamespacePods, egress_rules, ingress_rules

Direction = Literal["Ingress", "Egress"]
DEFAULT_DENY = "default-deny"


@dataclass(frozen=True)
class ChartPods:
    """Pods of a chart, under the name that their policy has."""

    part: str
    pods: NamespacePods
    resolves: bool = False
    """Whether they open connections to names."""


@dataclass(frozen=True)
class ChartNetwork:
    """Who the pods of charts talk to, in every namespace that the stack makes for them."""

    namespace: str
    """The stack's own."""
    instance: str
    pods: tuple[ChartPods, ...]
    flows: tuple[Flow, ...]
    closed_inward: tuple[str, ...]
    """Namespaces that let nobody in but the flows' sources, whatever is known of the cluster."""
    knows_api_server: bool
    """Whether policies can name the API server, which every chart's pods ask: without, no namespace is closed
    outward, and those that the API server calls are not closed at all."""
    resolving: Sequence[NetworkPolicyEgressRuleArgsDict] = ()
    """Rules that let pods resolve names."""

    def closed(self, namespace: str) -> list[Direction]:
        """The directions in which a namespace is closed."""
        if self.knows_api_server:
            return ["Ingress", "Egress"]
        return ["Ingress"] if namespace in self.closed_inward else []

    def policies(self, namespace: str) -> dict[str, NetworkPolicySpecArgsDict]:
        """Specs by part; the default deny comes last, as what is open has to be open before."""
        closed = self.closed(namespace)
        if not closed:
            return {}
        specs = {one.part: spec for one in self._in(namespace) if (spec := self._spec(one, closed))}
        return {**specs, DEFAULT_DENY: {"pod_selector": {}, "policy_types": list(closed)}}

    def entity_flows(self, namespace: str) -> Iterator[tuple[ChartPods, list[Flow]]]:
        """Pods with those of their flows whose other end is an entity, in the directions that are closed."""
        closed = self.closed(namespace)
        for one in self._in(namespace):
            found = [
                flow
                for flow in self.flows
                if (flow.target == one.pods and isinstance(flow.source, Entity) and "Ingress" in closed)
                or (flow.source == one.pods and isinstance(flow.target, Entity) and "Egress" in closed)
            ]
            if found:
                yield one, found

    def _in(self, namespace: str) -> Iterable[ChartPods]:
        return (one for one in self.pods if one.pods.namespace == namespace)

    def _spec(self, one: ChartPods, closed: Sequence[Direction]) -> NetworkPolicySpecArgsDict | None:
        selector: LabelSelectorArgsDict = {"match_labels": dict(one.pods.labels)} if one.pods.labels else {}
        spec: NetworkPolicySpecArgsDict = {"pod_selector": selector, "policy_types": list(closed)}
        ingress = ingress_rules(one.pods, self.flows, self.instance, self.namespace)
        egress = egress_rules(one.pods, self.flows, self.instance, self.namespace) if "Egress" in closed else []
        if one.resolves and "Egress" in closed:
            egress += self.resolving
        if ingress:
            spec["ingress"] = ingress
        if egress:
            spec["egress"] = egress
        return spec if ingress or egress else None
