"""Who may talk to whom: default deny, and flows with both sides."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass

from testbed.invariants.identity import PODS_OF_OTHERS
from testbed.invariants.references import listened
from testbed.invariants.view import (
    Check,
    Object,
    Rendered,
    component,
    pod_labels,
    title,
)

TYPES = ("Ingress", "Egress")
COMPONENT = "app.kubernetes.io/component"
PEERS = {"ingress": "from", "egress": "to"}
"""Where rules of each direction name their peers."""
PRIVATE = [
    ipaddress.IPv4Network(network)
    for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "127.0.0.0/8", "100.64.0.0/10")
]
"""Where a browser that visits any page must not get to: nodes, other pods, the cloud's metadata."""


@dataclass(frozen=True)
class Rule:
    """One rule of a policy in the stack's namespace."""

    policy: Object
    selector: dict[str, str]
    """Labels of the pods it is for; empty for all pods."""
    direction: str
    peers: list[Object]
    ports: list[int]

    def covers(self, runner: Object) -> bool:
        """Whether it is a rule for a workload's pods in particular."""
        return bool(self.selector) and self.selector.items() <= pod_labels(runner).items()


def _policies(rendered: Rendered) -> Iterator[Object]:
    for item in rendered.kinds("NetworkPolicy"):
        if item["metadata"]["namespace"] == rendered.settings.namespace:
            yield item


def _rules(rendered: Rendered, *directions: str) -> Iterator[Rule]:
    for item in _policies(rendered):
        selector = item["spec"]["podSelector"].get("matchLabels", {})
        for direction in directions or PEERS:
            for rule in item["spec"].get(direction, []):
                ports = [port["port"] for port in rule.get("ports", [])]
                yield Rule(item, selector, direction, rule.get(PEERS[direction], []), ports)


def _inside(peer: Object) -> dict[str, str] | None:
    """Labels of the pods that a peer names in the stack's own namespace."""
    return peer["podSelector"]["matchLabels"] if peer.keys() == {"podSelector"} else None


def selected_pods(rendered: Rendered, selector: dict[str, str]) -> list[Object]:
    """Workloads of the stack's namespace whose pods have these labels; none for an empty selector."""
    return rendered.selected(selector, rendered.settings.namespace) if selector else []


def default_is_deny(rendered: Rendered) -> Iterator[str]:
    """One policy selects all pods, names both directions and allows nothing; name resolution is the one exception."""
    if not any(item["spec"] == {"podSelector": {}, "policyTypes": list(TYPES)} for item in _policies(rendered)):
        yield f"Namespace {rendered.settings.namespace}: has no default deny"
    for rule in _rules(rendered):
        resolves = {53} if any("ipBlock" in peer for peer in rule.peers) else {53, 5353, 8053}
        if not rule.selector and (rule.direction == "ingress" or not set(rule.ports) <= resolves):
            yield f"{title(rule.policy)}: opens more than name resolution to every pod"


def only_pods_that_connect_resolve_names(rendered: Rendered) -> Iterator[str]:
    """A name server asks the internet for anybody: it is no way out for pods that have no other."""
    connecting = {
        labels[COMPONENT]
        for item in _policies(rendered)
        if COMPONENT in (labels := item["spec"]["podSelector"].get("matchLabels", {})) and item["spec"].get("egress")
    }
    resolving = {
        value
        for item in _policies(rendered)
        for expression in item["spec"]["podSelector"].get("matchExpressions", [])
        if expression["key"] == COMPONENT and item["spec"].get("egress")
        for value in expression["values"]
    }
    for name in sorted(resolving ^ connecting):
        can = (
            "may resolve names and opens no connection" if name in resolving else "opens connections and cannot resolve"
        )
        yield f"NetworkPolicy archesai-dns: {name} {can}"
    for item in _policies(rendered):
        if not item["spec"]["podSelector"] and item["spec"].get("egress"):
            yield f"{title(item)}: lets every pod out"
    yield from _made_pods_resolve_names(rendered)


def _made_pods_resolve_names(rendered: Rendered) -> Iterator[str]:
    """The same of pods with the labels of an operator: each selector with a way out has name resolution besides."""
    out = [rule for rule in _rules(rendered, "egress") if rule.selector and COMPONENT not in rule.selector]
    resolving = [rule.selector for rule in out if 53 in rule.ports]
    for rule in out:
        if 53 not in rule.ports and rule.selector not in resolving:
            yield f"{title(rule.policy)}: opens connections and cannot resolve"


def rules_name_peers_and_ports(rendered: Rendered) -> Iterator[str]:
    """A rule without peers or ports allows everything."""
    for rule in _rules(rendered):
        if not rule.peers or not rule.ports or {} in rule.peers:
            yield f"{title(rule.policy)}: a rule of its {rule.direction} names no peers or no ports"


def policies_name_real_pods_and_ports(rendered: Rendered) -> Iterator[str]:
    """Peers inside the namespace exist, and what is let in is listened on."""
    for rule in _rules(rendered):
        for labels in filter(None, map(_inside, rule.peers)):
            if not selected_pods(rendered, labels):
                component_name = labels.get("app.kubernetes.io/component")
                yield f"{title(rule.policy)}: names pods of {component_name}, and there are none"
    for rule in _rules(rendered, "ingress"):
        if rule.policy["metadata"]["name"] in PODS_OF_OTHERS:
            continue
        open_ports = set[int | str]().union(*map(listened, selected_pods(rendered, rule.selector)))
        for port in rule.ports:
            if port not in open_ports:
                yield f"{title(rule.policy)}: lets port {port} in, which nobody listens on"


def flows_have_both_sides(rendered: Rendered) -> Iterator[str]:
    """Between two pods a connection needs the policy of each."""
    for rule in _rules(rendered):
        others = [
            runner for labels in filter(None, map(_inside, rule.peers)) for runner in selected_pods(rendered, labels)
        ]
        for own in selected_pods(rendered, rule.selector):
            for other in others:
                source, target = (other, own) if rule.direction == "ingress" else (own, other)
                for port in rule.ports:
                    yield from one_sided(rendered, source, target, port)


def one_sided(rendered: Rendered, source: Object, target: Object, port: int) -> Iterator[str]:
    """The side of a connection whose policies refuse it."""
    if not allows(rendered, source, Target(pod_labels(target), None, port)):
        yield f"{title(source)}: may not open connections to {title(target)} on {port}"
    elif not _lets_in(rendered, source, target, port):
        yield f"{title(target)}: does not let {title(source)} in on {port}"


@dataclass(frozen=True)
class Target:
    """Where a connection goes: pods with labels, or an address; no address means one that is not known here."""

    labels: dict[str, str] | None
    address: str | None
    port: int


def allows(rendered: Rendered, source: Object, target: Target) -> bool:
    """Whether some policy of a workload lets it open connections to a target."""
    return any(
        rule.covers(source) and target.port in rule.ports and any(_reaches(peer, target) for peer in rule.peers)
        for rule in _rules(rendered, "egress")
    )


def _reaches(peer: Object, target: Target) -> bool:
    if target.labels is not None:
        wanted: dict[str, str] = peer.get("podSelector", {}).get("matchLabels", {"": ""})
        return "namespaceSelector" not in peer and wanted.items() <= target.labels.items()
    block = peer.get("ipBlock")
    if block is None or target.address is None:
        return block is not None
    address = ipaddress.ip_address(target.address)
    excluded = [ipaddress.ip_network(network) for network in block.get("except", [])]
    return address in ipaddress.ip_network(block["cidr"]) and not any(address in network for network in excluded)


def _lets_in(rendered: Rendered, source: Object, target: Object, port: int) -> bool:
    return any(
        rule.covers(target)
        and port in rule.ports
        and any(labels.items() <= pod_labels(source).items() for labels in filter(None, map(_inside, rule.peers)))
        for rule in _rules(rendered, "ingress")
    )


def ingresses_get_through(rendered: Rendered) -> Iterator[str]:
    """The controller's pods reach what an Ingress leads to."""
    for item in rendered.kinds("Ingress"):
        backend = item["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
        if not rendered.has("Service", backend["name"], rendered.settings.namespace):
            continue
        selector = rendered.one("Service", backend["name"])["spec"].get("selector", {})
        for runner in selected_pods(rendered, selector):
            from_outside = [
                rule.ports
                for rule in _rules(rendered, "ingress")
                if rule.covers(runner) and any({"namespaceSelector", "ipBlock"} & peer.keys() for peer in rule.peers)
            ]
            from_outside += list(_let_in_by_cilium(rendered, runner))
            if not any(backend["port"]["number"] in ports for ports in from_outside):
                yield f"{title(item)}: its controller is not let in to {title(runner)}"


def _let_in_by_cilium(rendered: Rendered, runner: Object) -> Iterator[list[int]]:
    for item in rendered.kinds("CiliumNetworkPolicy"):
        if item["spec"]["endpointSelector"]["matchLabels"].items() <= pod_labels(runner).items():
            yield from (list(map(int, _cilium_ports(rule))) for rule in item["spec"].get("ingress", []))


def browsers_stay_outside(rendered: Rendered) -> Iterator[str]:
    """The scraper runs what strangers wrote: the internet, and nothing else."""
    for rule in _rules(rendered, "egress"):
        if component(rule.policy) != "scraper":
            continue
        for peer in rule.peers:
            block = peer.get("ipBlock", {"cidr": "0.0.0.0/0"})
            if ":" in block["cidr"]:
                continue
            excluded = [ipaddress.IPv4Network(network) for network in block.get("except", [])]
            for network in PRIVATE:
                if not any(network.subnet_of(other) for other in excluded):
                    yield f"{title(rule.policy)}: its browsers reach {network}"


def cilium_opens_what_no_address_matches(rendered: Rendered) -> Iterator[str]:
    """CiliumNetworkPolicies are an opt-in: out to the API server, in from Cilium's own Ingress, and nothing else."""
    settings = rendered.settings
    for item in rendered.kinds("CiliumNetworkPolicy"):
        spec = item["spec"]
        if spec.get("egress") and not settings.cluster.cilium:
            yield f"{title(item)}: cluster.cilium is off"
        if item["metadata"]["namespace"] != settings.namespace:
            continue
        if spec.get("ingress") and not settings.ingress.controller.cilium:
            yield f"{title(item)}: ingress.controller.cilium is off"
        if not spec.keys() <= {"endpointSelector", "ingress", "egress"}:
            yield f"{title(item)}: is for more than a way in or out"
        for rule in spec.get("egress", []):
            if rule.get("toEntities") != ["kube-apiserver"] or _cilium_ports(rule) != ["443", "6443"]:
                yield f"{title(item)}: opens more than the API server's ports"
        for rule in spec.get("ingress", []):
            if rule.get("fromEntities") != ["ingress"] or len(_cilium_ports(rule)) != 1:
                yield f"{title(item)}: lets more in than Cilium's Ingress to one port"


def _cilium_ports(rule: Object) -> list[str]:
    return [port["port"] for part in rule.get("toPorts", []) for port in part["ports"]]


def namespaces_of_charts_are_closed(rendered: Rendered) -> Iterator[str]:
    """Every namespace that the stack makes denies by default: both ways where the API server's address is known."""
    types = ["Ingress", "Egress"] if rendered.settings.cluster.api_server_peers else ["Ingress"]
    closed = {
        item["metadata"]["namespace"]
        for item in rendered.kinds("NetworkPolicy")
        if item["spec"] == {"podSelector": {}, "policyTypes": types}
    }
    called = {rendered.settings.ingress.controller.release_namespace, rendered.settings.ingress.cert_manager.namespace}
    for name in {item["metadata"]["name"] for item in rendered.kinds("Namespace")} - closed:
        # Without that address nothing says who calls a controller's ports and webhooks.
        if name != rendered.settings.namespace and (len(types) == len(TYPES) or name not in called):
            yield f"Namespace {name}: has no default deny"


CHECKS: tuple[Check, ...] = (
    default_is_deny,
    namespaces_of_charts_are_closed,
    only_pods_that_connect_resolve_names,
    rules_name_peers_and_ports,
    policies_name_real_pods_and_ports,
    flows_have_both_sides,
    ingresses_get_through,
    browsers_stay_outside,
    cilium_opens_what_no_address_matches,
)
