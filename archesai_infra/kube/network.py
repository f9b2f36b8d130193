"""Declared flows and the NetworkPolicies and Services that follow from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pulumi_kubernetes.core.v1 import ServicePortArgsDict, ServiceSpecArgsDict
from pulumi_kubernetes.discovery.v1 import EndpointArgsDict
from pulumi_kubernetes.networking.v1 import (
    NetworkPolicyEgressRuleArgsDict,
    NetworkPolicyIngressRuleArgsDict,
    NetworkPolicyPeerArgsDict,
    NetworkPolicyPortArgsDict,
    NetworkPolicySpecArgsDict,
)

from archesai_infra.kube.labels import selector

ANYWHERE = "0.0.0.0/0"
LINK_LOCAL = "169.254.0.0/16"
"""Holds the metadata address of clouds."""
NOT_INTERNET = (
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    LINK_LOCAL,
    "172.16.0.0/12",
    "192.168.0.0/16",
    "224.0.0.0/4",
    "240.0.0.0/4",
)
"""No public addresses: private, shared (RFC 6598), loopback, link-local (the metadata address), multicast, reserved."""


@dataclass(frozen=True)
class Pods:
    """The pods of one component of this stack."""

    component: str


@dataclass(frozen=True)
class NamespacePods:
    """Pods with these labels in another namespace; no labels means all of its pods."""

    namespace: str
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Addresses:
    """Addresses outside the pod network."""

    name: str
    cidrs: tuple[str, ...] = (ANYWHERE,)
    excluded: tuple[str, ...] = ()


INTERNET = Addresses("internet", (ANYWHERE,), NOT_INTERNET)
"""Every public IPv4 address."""

Peer = Pods | NamespacePods | Addresses


@dataclass(frozen=True)
class Flow:
    """One direction of traffic that the stack needs: who opens connections to whom, on which TCP ports."""

    source: Peer
    target: Peer
    ports: tuple[int, ...]


def flows_touching(component: str, flows: Iterable[Flow]) -> tuple[Flow, ...]:
    """Flows that start or end at the pods of a component, in a stable order."""
    pods = Pods(component)
    return tuple(flow for flow in flows if pods in (flow.source, flow.target))


def policy_spec(component: str, instance: str, flows: Iterable[Flow]) -> NetworkPolicySpecArgsDict:
    """Both directions of a component's traffic: what is not in its flows stays denied."""
    own = Pods(component)
    touching = flows_touching(component, flows)
    ingress: list[NetworkPolicyIngressRuleArgsDict] = [
        {"from_": _peers(flow.source, instance), "ports": _ports(flow.ports)} for flow in touching if flow.target == own
    ]
    egress: list[NetworkPolicyEgressRuleArgsDict] = [
        {"to": _peers(flow.target, instance), "ports": _ports(flow.ports)} for flow in touching if flow.source == own
    ]
    spec: NetworkPolicySpecArgsDict = {
        "pod_selector": {"match_labels": selector(component, instance)},
        "policy_types": ["Ingress", "Egress"],
    }
    # The API server drops an empty list, so that every apply of one would be a change.
    if ingress:
        spec["ingress"] = ingress
    if egress:
        spec["egress"] = egress
    return spec


def deny_all_spec() -> NetworkPolicySpecArgsDict:
    """The namespace's default: no pod talks to or hears from anyone."""
    return {"pod_selector": {}, "policy_types": ["Ingress", "Egress"]}


def dns_spec(namespace: str, pod_labels: Mapping[str, str], cidrs: Iterable[str]) -> NetworkPolicySpecArgsDict:
    """Every pod may resolve names: at the cluster's DNS pods and at node-local caches given by address."""
    peers: list[NetworkPolicyPeerArgsDict] = [
        {
            "namespace_selector": {"match_labels": {"kubernetes.io/metadata.name": namespace}},
            "pod_selector": {"match_labels": dict(pod_labels)},
        },
        *({"ip_block": {"cidr": cidr}} for cidr in cidrs),
    ]
    return {
        "pod_selector": {},
        "policy_types": ["Egress"],
        "egress": [{"to": peers, "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]}],
    }


def _peers(peer: Peer, instance: str) -> list[NetworkPolicyPeerArgsDict]:
    match peer:
        case Pods(component):
            return [{"pod_selector": {"match_labels": selector(component, instance)}}]
        case NamespacePods(namespace, labels):
            found: NetworkPolicyPeerArgsDict = {
                "namespace_selector": {"match_labels": {"kubernetes.io/metadata.name": namespace}}
            }
            if labels:
                found["pod_selector"] = {"match_labels": dict(labels)}
            return [found]
        case Addresses(_, cidrs, excluded):
            if not excluded:
                return [{"ip_block": {"cidr": cidr}} for cidr in cidrs]
            return [{"ip_block": {"cidr": cidr, "except_": list(excluded)}} for cidr in cidrs]


def _ports(ports: Iterable[int]) -> list[NetworkPolicyPortArgsDict]:
    return [{"protocol": "TCP", "port": port} for port in ports]


def service_spec(
    component: str, instance: str, ports: Mapping[str, int], *, headless: bool = False, pods: bool = True
) -> ServiceSpecArgsDict:
    """A ClusterIP Service on a component's pods; without a selector where endpoints are given by address."""
    spec: ServiceSpecArgsDict = {"type": "ClusterIP", "ports": service_ports(ports)}
    if headless:
        spec["cluster_ip"] = "None"
    if pods:
        spec["selector"] = selector(component, instance)
    return spec


def service_ports(ports: Mapping[str, int]) -> list[ServicePortArgsDict]:
    """Service ports that keep the container's numbers, by name."""
    return [{"name": name, "port": port, "target_port": port, "protocol": "TCP"} for name, port in ports.items()]


def host_endpoint(ip: str) -> list[EndpointArgsDict]:
    """The one endpoint of a Service that leads to a process outside the cluster."""
    return [{"addresses": [ip], "conditions": {"ready": True}}]


def policy_port_spec(pod_labels: Mapping[str, str], source: NamespacePods, port: int) -> NetworkPolicySpecArgsDict:
    """One source to one port of pods that are not a component's own."""
    return {
        "pod_selector": {"match_labels": dict(pod_labels)},
        "policy_types": ["Ingress"],
        "ingress": [{"from_": _peers(source, ""), "ports": _ports([port])}],
    }
