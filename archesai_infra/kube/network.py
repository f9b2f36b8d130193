"""Declared flows and the NetworkPolicies and Services that follow from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from pulumi_kubernetes.core.v1 import ServicePortArgsDict, ServiceSpecArgsDict
from pulumi_kubernetes.discovery.v1 import EndpointArgsDict
from pulumi_kubernetes.meta.v1 import LabelSelectorArgsDict
from pulumi_kubernetes.networking.v1 import (
    IPBlockArgsDict,
    NetworkPolicyEgressRuleArgsDict,
    NetworkPolicyIngressRuleArgsDict,
    NetworkPolicyPeerArgsDict,
    NetworkPolicyPortArgsDict,
    NetworkPolicySpecArgsDict,
)

from archesai_infra.kube.labels import COMPONENT, selector

DNS_PORT = 53
ANYWHERE = ("0.0.0.0/0", "::/0")
"""Every address of both families."""
LINK_LOCAL = ("169.254.0.0/16", "fe80::/10", "fd00:ec2::/32")
"""Hold the metadata addresses of clouds; those of AWS over IPv6 are unique local ones."""
AZURE_HOST = "168.63.129.16/32"
"""Azure's address of every node's host, which hands out the node's settings."""
NOT_PUBLIC = (
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    AZURE_HOST,
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
)
"""IPv4 addresses that are not public: the special-purpose ones of RFC 6890, some of which clusters give to pods and
nodes, and the host's of Azure."""
GLOBAL_UNICAST = "2000::/3"
"""Public IPv6 addresses (RFC 4291)."""
SPECIAL_UNICAST = ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
"""Those among them that are not public: protocols' own and Teredo (RFC 6890), documentation, 6to4."""
NAT64 = "64:ff9b::/96"
"""IPv4 addresses as hosts with IPv6 alone see them (RFC 6052)."""


@dataclass(frozen=True)
class Pods:
    """The pods of one component of this stack."""

    component: str


@dataclass(frozen=True)
class MadePods:
    """Pods that an operator makes in the stack's namespace, by its labels instead of the stack's."""

    name: str
    labels: tuple[tuple[str, str], ...]

    @property
    def selector(self) -> LabelSelectorArgsDict:
        """As policies select them."""
        return {"match_labels": dict(self.labels)}


@dataclass(frozen=True)
class NamespacePods:
    """Pods with these labels in another namespace; no labels means all of its pods."""

    namespace: str
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Addresses:
    """Addresses outside the pod network."""

    name: str
    cidrs: tuple[str, ...] = ANYWHERE
    excluded: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entity:
    """A peer that Cilium identifies by what it is; NetworkPolicies cannot name it.

    `kube-apiserver` is the API server, `ingress` Cilium's own Ingress and Gateway API.

    https://docs.cilium.io/en/stable/security/policy/layer3/#entities-based
    """

    name: str


def internet(private: Iterable[str] = ()) -> Addresses:
    """Every public address except those in `private`: networks of the cluster itself that have public addresses."""
    closed = (*NOT_PUBLIC, *private)
    translated = [_translated(network) for network in map(ip_network, closed) if isinstance(network, IPv4Network)]
    return Addresses("internet", ("0.0.0.0/0", GLOBAL_UNICAST, NAT64), (*closed, *SPECIAL_UNICAST, *translated))


def _translated(network: IPv4Network) -> str:
    """An IPv4 network behind NAT64."""
    prefix = IPv6Network(NAT64)
    return str(IPv6Network((int(prefix.network_address) + int(network.network_address), 96 + network.prefixlen)))


Network = IPv4Network | IPv6Network
Peer = Pods | MadePods | NamespacePods | Addresses


@dataclass(frozen=True)
class Flow:
    """One direction of traffic that the stack needs: who opens connections to whom, on which TCP ports."""

    source: Peer | Entity
    target: Peer | Entity
    ports: tuple[int, ...]


API_PORTS = (443, 6443)
"""What API servers listen on, with few exceptions; a policy sees this port and not the Service's."""


def flows_touching(component: str, flows: Iterable[Flow]) -> tuple[Flow, ...]:
    """Flows that start or end at the pods of a component, in a stable order."""
    pods = Pods(component)
    return tuple(flow for flow in flows if pods in (flow.source, flow.target))


def policy_spec(component: str, instance: str, flows: Iterable[Flow]) -> NetworkPolicySpecArgsDict:
    """Both directions of a component's traffic: what is not in its flows stays denied."""
    return _policy_spec(Pods(component), {"match_labels": selector(component, instance)}, instance, flows)


def made_policy_spec(pods: MadePods, instance: str, flows: Iterable[Flow]) -> NetworkPolicySpecArgsDict:
    """The same for pods that an operator makes."""
    return _policy_spec(pods, pods.selector, instance, flows)


def _policy_spec(
    own: Peer, selected: LabelSelectorArgsDict, instance: str, flows: Iterable[Flow]
) -> NetworkPolicySpecArgsDict:
    listed = tuple(flows)
    spec: NetworkPolicySpecArgsDict = {"pod_selector": selected, "policy_types": ["Ingress", "Egress"]}
    # The API server drops an empty list, so that every apply of one would be a change.
    if ingress := ingress_rules(own, listed, instance):
        spec["ingress"] = ingress
    if egress := egress_rules(own, listed, instance):
        spec["egress"] = egress
    return spec


def ingress_rules(
    own: Peer, flows: Iterable[Flow], instance: str, stack: str | None = None
) -> list[NetworkPolicyIngressRuleArgsDict]:
    """Who opens connections to some pods. In another namespace than the stack's, `stack` is the stack's."""
    # A rule without peers would allow everything, so that flows of entities have none here.
    return [
        {"from_": _peers(flow.source, instance, stack), "ports": _ports(flow.ports)}
        for flow in flows
        if flow.target == own and not isinstance(flow.source, Entity)
    ]


def egress_rules(
    own: Peer, flows: Iterable[Flow], instance: str, stack: str | None = None
) -> list[NetworkPolicyEgressRuleArgsDict]:
    """Whom some pods connect to. In another namespace than the stack's, `stack` is the stack's."""
    return [
        {"to": _peers(flow.target, instance, stack), "ports": _ports(flow.ports)}
        for flow in flows
        if flow.source == own and not isinstance(flow.target, Entity)
    ]


def deny_all_spec() -> NetworkPolicySpecArgsDict:
    """The namespace's default: no pod talks to or hears from anyone."""
    return {"pod_selector": {}, "policy_types": ["Ingress", "Egress"]}


def connecting(flows: Iterable[Flow]) -> tuple[str, ...]:
    """Components whose pods open connections, in order."""
    return tuple(sorted({flow.source.component for flow in flows if isinstance(flow.source, Pods)}))


def made_pods(flows: Iterable[Flow]) -> tuple[MadePods, ...]:
    """Pods of operators that flows start or end at, each once."""
    peers = (peer for flow in flows for peer in (flow.source, flow.target))
    return tuple(dict.fromkeys(peer for peer in peers if isinstance(peer, MadePods)))


def made_connecting(flows: Iterable[Flow]) -> tuple[MadePods, ...]:
    """Pods of operators that open connections, each once."""
    return tuple(dict.fromkeys(flow.source for flow in flows if isinstance(flow.source, MadePods)))


def resolving_pods(components: Sequence[str], instance: str) -> LabelSelectorArgsDict:
    """The pods of these components of one stack."""
    wanted = {key: [value] for key, value in selector("", instance).items()} | {COMPONENT: list(components)}
    return {"match_expressions": [{"key": key, "operator": "In", "values": found} for key, found in wanted.items()]}


def dns_spec(
    selected: LabelSelectorArgsDict, pods: Iterable[NamespacePods], ports: Iterable[int], cidrs: Iterable[str]
) -> NetworkPolicySpecArgsDict:
    """The selected pods may resolve names: at the cluster's DNS pods, and at addresses on port 53 alone.

    A name server asks the internet for anybody, so that resolving is a way out: it is for pods that have another.
    Policies see the port that a pod listens on, which can differ from the Service's; resolvers that are addresses have
    no other port, and among them may be the metadata address of a cloud.
    """
    return {"pod_selector": selected, "policy_types": ["Egress"], "egress": dns_rules(pods, ports, cidrs)}


def dns_rules(
    pods: Iterable[NamespacePods], ports: Iterable[int], cidrs: Iterable[str]
) -> list[NetworkPolicyEgressRuleArgsDict]:
    """The rules of `dns_spec`."""
    rules: list[NetworkPolicyEgressRuleArgsDict] = []
    if peers := [peer for name_server in pods for peer in _peers(name_server, "")]:
        rules.append({"to": peers, "ports": _ports(ports, "UDP", "TCP")})
    if resolvers := _peers(Addresses("resolvers", tuple(cidrs)), ""):
        rules.append({"to": resolvers, "ports": _ports([DNS_PORT], "UDP", "TCP")})
    return rules


def _peers(peer: Peer, instance: str, stack: str | None = None) -> list[NetworkPolicyPeerArgsDict]:
    match peer:
        case Pods(component):
            return [_within({"match_labels": selector(component, instance)}, stack)]
        case MadePods():
            return [_within(peer.selector, stack)]
        case NamespacePods(namespace, labels):
            return [_within({"match_labels": dict(labels)} if labels else None, namespace)]
        case Addresses(_, cidrs, excluded):
            return [_block(ip_network(cidr), map(ip_network, (*excluded, *LINK_LOCAL))) for cidr in cidrs]


def _within(pods: LabelSelectorArgsDict | None, namespace: str | None) -> NetworkPolicyPeerArgsDict:
    """Pods of a namespace, by default of the policy's own; all of them where there is no selector."""
    found: NetworkPolicyPeerArgsDict = {"pod_selector": pods} if pods is not None else {}
    if namespace is not None:
        found["namespace_selector"] = {"match_labels": {"kubernetes.io/metadata.name": namespace}}
    return found


def _block(network: Network, excluded: Iterable[Network]) -> NetworkPolicyPeerArgsDict:
    """A network without what is excluded inside it; a network that is larger than link-local never includes that."""
    # Kubernetes refuses exceptions outside of the block, so that each family gets its own.
    inside = [str(other) for other in dict.fromkeys(excluded) if other != network and _is_inside(other, network)]
    block: IPBlockArgsDict = {"cidr": str(network)}
    if inside:
        block["except_"] = inside
    return {"ip_block": block}


def _is_inside(inner: Network, outer: Network) -> bool:
    if isinstance(inner, IPv4Network):
        return isinstance(outer, IPv4Network) and inner.subnet_of(outer)
    return isinstance(outer, IPv6Network) and inner.subnet_of(outer)


def _ports(ports: Iterable[int], *protocols: str) -> list[NetworkPolicyPortArgsDict]:
    return [{"protocol": protocol, "port": port} for port in ports for protocol in protocols or ("TCP",)]


def service_spec(
    component: str,
    instance: str,
    ports: Mapping[str, int],
    *,
    headless: bool = False,
    pods: bool = True,
    distribution: str | None = None,
    unready: bool = False,
) -> ServiceSpecArgsDict:
    """A ClusterIP Service on a component's pods; without a selector where endpoints are given by address.

    `distribution` says which pods are preferred; see `same_zone`. `unready` also gives names to pods that are not
    ready: servers that find each other before they are.
    """
    spec: ServiceSpecArgsDict = {"type": "ClusterIP", "ports": service_ports(ports)}
    if headless:
        spec["cluster_ip"] = "None"
    if unready:
        spec["publish_not_ready_addresses"] = True
    if pods:
        spec["selector"] = selector(component, instance)
        if distribution is not None:
            spec["traffic_distribution"] = distribution
    return spec


SAME_ZONE_MINOR = 35
"""First Kubernetes 1.x with the name `PreferSameZone`, which replaces one that will go."""


def same_zone(minor: int) -> str:
    """How Kubernetes 1.`minor` calls that pods in the caller's zone are preferred.

    https://kubernetes.io/docs/concepts/services-networking/service/#traffic-distribution
    """
    return "PreferSameZone" if minor >= SAME_ZONE_MINOR else "PreferClose"


def service_ports(ports: Mapping[str, int]) -> list[ServicePortArgsDict]:
    """Service ports that keep the container's numbers, by name."""
    return [{"name": name, "port": port, "target_port": port, "protocol": "TCP"} for name, port in ports.items()]


def host_endpoint(ip: str) -> list[EndpointArgsDict]:
    """The one endpoint of a Service that leads to a process outside the cluster."""
    return [{"addresses": [ip], "conditions": {"ready": True}}]


def policy_port_spec(pod_labels: Mapping[str, str], sources: Iterable[Peer], port: int) -> NetworkPolicySpecArgsDict:
    """Some sources to one port of pods that are not a component's own."""
    return {
        "pod_selector": {"match_labels": dict(pod_labels)},
        "policy_types": ["Ingress"],
        "ingress": [{"from_": [peer for source in sources for peer in _peers(source, "")], "ports": _ports([port])}],
    }
