"""Rights at the API server, and network policies that are none."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_network

from .objects import Object

STRONG_ROLES = ("cluster-admin", "admin", "edit")
READING = {"get", "list", "watch"}
STRONG_VERBS = ("bind", "escalate", "impersonate")
USES_SECRETS = {
    ("Role", "archesai-controller"): READING,
    ("Role", "archesai-prometheus-operator"): READING | {"create", "update", "patch", "delete"},
    ("Role", "archesai-velero"): READING | {"create", "update", "patch"},
}
"""Roles that names of Secrets cannot limit, and their verbs: the ingress controller finds certificates by listing, the
Prometheus operator writes the configuration of its servers, Velero lists those of its own namespace and, where backups
hold Secrets, of the stack's."""
EVERYBODY = ("system:authenticated", "system:unauthenticated", "system:anonymous", "system:serviceaccounts")
DNS_PORT = 53
METADATA = (ip_address("169.254.169.254"), ip_address("fd00:ec2::254"))
"""Addresses that clouds serve a node's metadata and credentials from."""


def bound_rights(item: Object) -> Iterator[str]:
    """Roles name what they allow: no wildcard, no Secret outside the stack, no rights over the cluster."""
    if item.get("kind") in ("Role", "ClusterRole"):
        for rule in item.get("rules") or []:
            role = (str(item["kind"]), str((item.get("metadata") or {}).get("name")))
            may = USES_SECRETS.get(role, set[str]())
            yield from _rule(rule, uses_secrets=set(rule.get("verbs") or []) <= may)
    if item.get("kind") in ("RoleBinding", "ClusterRoleBinding"):
        role = (item.get("roleRef") or {}).get("name")
        if role in STRONG_ROLES:
            yield f"binds the role {role}: name a role with only the rights that are needed"
        for subject in item.get("subjects") or []:
            name = str(subject.get("name", ""))
            if name.startswith(EVERYBODY):
                yield f"gives rights to {name}"


def _rule(rule: Object, *, uses_secrets: bool) -> Iterator[str]:
    for field in ("apiGroups", "resources", "verbs", "nonResourceURLs"):
        if any("*" in str(value) for value in rule.get(field) or []):
            yield f"has a rule with * in {field}"
    if strong := [verb for verb in rule.get("verbs") or [] if verb in STRONG_VERBS]:
        yield f"may {', '.join(strong)}"
    if "secrets" in (rule.get("resources") or []) and not rule.get("resourceNames") and not uses_secrets:
        yield "may use every Secret: name them in resourceNames"


def open_policies(item: Object) -> Iterator[str]:
    """A network policy names its peers: none lets everybody in, or out to everywhere."""
    if item.get("kind") != "NetworkPolicy":
        return
    spec = item.get("spec") or {}
    for direction, side in (("ingress", "from"), ("egress", "to")):
        for rule in spec.get(direction) or []:
            peers = rule.get(side) or []
            if not peers:
                yield f"has an {direction} rule for everybody"
            for peer in peers:
                if not _resolver(peer, rule):
                    yield from (f"has an {direction} rule for {what}" for what in _wide(peer))


def _resolver(peer: Object, rule: Object) -> bool:
    """Whether a rule opens nothing but port 53 of one address: clouds resolve names at the metadata address."""
    block = peer.get("ipBlock") or {}
    ports = [port.get("port") for port in rule.get("ports") or []]
    return set(ports) == {DNS_PORT} and ip_network(str(block.get("cidr") or "::/0"), strict=False).num_addresses == 1


def _wide(peer: Object) -> Iterator[str]:
    block = peer.get("ipBlock")
    if block:
        yield from metadata_in(block)
        return
    selector = peer.get("namespaceSelector")
    if not peer or (selector is not None and not _selects(selector)):
        yield "all namespaces"


def _selects(selector: Object) -> bool:
    return bool(selector.get("matchLabels") or selector.get("matchExpressions"))


def metadata_in(block: Object) -> Iterator[str]:
    """What is wrong with a block of addresses: it must not hold the metadata address of a cloud."""
    network = ip_network(str(block.get("cidr")), strict=False)
    excluded = [ip_network(str(part), strict=False) for part in block.get("except") or []]
    for address in METADATA:
        if address in network and not any(address in part for part in excluded):
            yield f"{network}, which holds the metadata address {address}: except it"
