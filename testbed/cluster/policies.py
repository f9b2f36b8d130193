"""NetworkPolicies as a network plugin enforces them, judged from what the API server holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import ip_address, ip_network

from testbed.cluster import longest_prefix
from testbed.cluster.longest_prefix import Block, Entry
from testbed.controlplane.api import Api, Object

DIRECTIONS = {"Ingress": ("ingress", "from"), "Egress": ("egress", "to")}
"""Policy type to the policy's field with its rules, and the rule's field with its peers."""
EVERYBODY: Sequence[Object] = ({"ipBlock": {"cidr": "0.0.0.0/0"}}, {"ipBlock": {"cidr": "::/0"}})
"""What a rule without peers names."""


class Blocks(Enum):
    """What an address block means, above all for pods that have such an address: plugins differ."""

    COUNT_PODS = "an address block counts pods"
    SPARE_PODS = "an address block spares pods"
    LONGEST_PREFIX = "the longest prefix decides, exceptions included"


@dataclass(frozen=True)
class Pod:
    """A pod as the network sees it."""

    namespace: str
    name: str
    labels: Mapping[str, str]
    namespace_labels: Mapping[str, str]
    address: str
    ports: Mapping[str, tuple[int, str]] = field(default_factory=dict[str, tuple[int, str]])
    """Number and protocol of the ports that have a name."""


@dataclass(frozen=True)
class Outside:
    """An address that is no pod's."""

    address: str


Party = Pod | Outside


@dataclass(frozen=True)
class Verdict:
    """What each side's policies say about opening a connection."""

    leaves: bool
    """The source may open it."""
    enters: bool
    """The target takes it."""

    @property
    def allowed(self) -> bool:
        """Both sides agree."""
        return self.leaves and self.enters


@dataclass(frozen=True)
class Network:
    """Pods and the policies between them; answers are for the first packet of a connection."""

    pods: Sequence[Pod]
    policies: Sequence[Object]
    services: Sequence[Object] = ()
    blocks: Blocks = Blocks.COUNT_PODS

    @classmethod
    def of(cls, api: Api, blocks: Blocks = Blocks.COUNT_PODS) -> Network:
        """Everything that the API server holds."""
        namespaces = {item["metadata"]["name"]: item["metadata"]["labels"] for item in api.list("v1", "Namespace")}
        pods = [
            pod_of(item, namespaces[item["metadata"]["namespace"]])
            for item in api.list("v1", "Pod")
            if item.get("status", {}).get("podIP") and not item["spec"].get("hostNetwork")
        ]
        return cls(pods, api.list("networking.k8s.io/v1", "NetworkPolicy"), api.list("v1", "Service"), blocks)

    def judge(self, source: Party, target: Party, port: int, protocol: str = "TCP") -> Verdict:
        """Whether `source` may open a connection to a port of `target`."""
        if source == target:
            # A pod always reaches itself.
            return Verdict(leaves=True, enters=True)
        return Verdict(
            leaves=self._admits("Egress", source, target, target, port, protocol),
            enters=self._admits("Ingress", target, source, target, port, protocol),
        )

    def behind(self, service: str, namespace: str, port: int) -> Iterator[tuple[Pod, int, str]]:
        """Where a connection to a Service's port ends: pod, port and protocol. Policies judge that, not the Service."""
        spec = next(
            item["spec"]
            for item in self.services
            if (item["metadata"]["namespace"], item["metadata"]["name"]) == (namespace, service)
        )
        for served in (one for one in spec["ports"] if one["port"] == port):
            wanted, protocol = served.get("targetPort", port), served.get("protocol", "TCP")
            for pod in self.pods:
                if pod.namespace == namespace and selects({"matchLabels": spec["selector"]}, pod.labels):
                    yield pod, wanted if isinstance(wanted, int) else pod.ports[wanted][0], protocol

    def _admits(self, kind: str, own: Party, other: Party, target: Party, port: int, protocol: str) -> bool:
        """Whether one side lets it pass: everything does where no policy of that direction selects the pod."""
        if isinstance(own, Outside):
            return True
        rules_field, peers_field = DIRECTIONS[kind]
        selecting = [policy for policy in self.policies if _applies(policy, kind, own)]
        rules = [(policy, rule) for policy in selecting for rule in policy["spec"].get(rules_field) or []]
        if selecting and self.blocks is Blocks.LONGEST_PREFIX:
            entries = (
                Entry(block, excepted, _opens(rule.get("ports"), target, port, protocol))
                for policy, rule in rules
                for block, excepted in self._entries(rule.get(peers_field), policy["metadata"]["namespace"], other)
            )
            return longest_prefix.opens(entries, ip_address(other.address))
        return not selecting or any(
            self._names(rule.get(peers_field), policy["metadata"]["namespace"], other)
            and _opens(rule.get("ports"), target, port, protocol)
            for policy, rule in rules
        )

    def _entries(
        self, peers: Sequence[Object] | None, home: str, party: Party
    ) -> Iterator[tuple[Block, tuple[Block, ...]]]:
        """The blocks of a rule with their exceptions, a party that it selects among them."""
        for peer in peers or EVERYBODY:
            if "ipBlock" in peer:
                block = peer["ipBlock"]
                yield ip_network(block["cidr"]), tuple(map(ip_network, block.get("except") or []))
            elif self._is(peer, home, party):
                yield ip_network(party.address), ()

    def _names(self, peers: Sequence[Object] | None, home: str, party: Party) -> bool:
        """Whether a rule's peers include a party; no peers are all."""
        return not peers or any(self._is(peer, home, party) for peer in peers)

    def _is(self, peer: Object, home: str, party: Party) -> bool:
        if "ipBlock" in peer:
            spared = isinstance(party, Pod) and self.blocks is Blocks.SPARE_PODS
            return not spared and _holds(peer["ipBlock"], party.address)
        if isinstance(party, Outside):
            return False
        if "namespaceSelector" not in peer:
            return party.namespace == home and selects(peer["podSelector"], party.labels)
        return selects(peer["namespaceSelector"], party.namespace_labels) and selects(
            peer.get("podSelector", {}), party.labels
        )


def pod_of(item: Object, namespace_labels: Mapping[str, str]) -> Pod:
    """A pod of the API server."""
    metadata, containers = item["metadata"], item["spec"]["containers"]
    return Pod(
        metadata["namespace"],
        metadata["name"],
        metadata.get("labels", {}),
        namespace_labels,
        item["status"]["podIP"],
        {
            port["name"]: (port["containerPort"], port.get("protocol", "TCP"))
            for container in containers
            for port in container.get("ports", [])
            if "name" in port
        },
    )


def selects(selector: Object, labels: Mapping[str, str]) -> bool:
    """Whether a label selector matches; an empty one matches everything."""
    wanted: Mapping[str, str] = selector.get("matchLabels") or {}
    return wanted.items() <= labels.items() and all(
        _meets(one, labels) for one in selector.get("matchExpressions") or []
    )


def _meets(requirement: Object, labels: Mapping[str, str]) -> bool:
    value, values = labels.get(requirement["key"]), requirement.get("values") or []
    match requirement["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case other:
            raise ValueError(f"no selector has the operator {other}")


def _applies(policy: Object, kind: str, pod: Pod) -> bool:
    """Whether a policy is about this direction of this pod's traffic."""
    spec = policy["spec"]
    implied = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]
    home = policy["metadata"]["namespace"] == pod.namespace
    return home and kind in (spec.get("policyTypes") or implied) and selects(spec["podSelector"], pod.labels)


def _opens(ports: Iterable[Object] | None, target: Party, number: int, protocol: str) -> bool:
    """Whether a rule's ports include a port of the target; no ports are all."""
    return not ports or any(_is_port(port, target, number, protocol) for port in ports)


def _is_port(port: Object, target: Party, number: int, protocol: str) -> bool:
    if port.get("protocol", "TCP") != protocol:
        return False
    wanted = port.get("port")
    if wanted is None:
        return True
    if isinstance(wanted, str):
        return isinstance(target, Pod) and target.ports.get(wanted) == (number, protocol)
    return wanted <= number <= port.get("endPort", wanted)


def _holds(block: Object, address: str) -> bool:
    """Whether an address is in a block and in none of its exceptions; an IPv4 block holds no IPv6 address."""
    found = ip_address(address)
    return found in ip_network(block["cidr"]) and not any(
        found in ip_network(excluded) for excluded in block.get("except") or []
    )
