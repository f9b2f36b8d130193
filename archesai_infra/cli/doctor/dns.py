"""Whether the network policies let pods reach what answers their questions for names, and what to set if not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from itertools import pairwise
from typing import Any

from archesai_infra.cli.base.cluster import Cluster, ClusterError
from archesai_infra.cli.base.kinds import path
from archesai_infra.cli.doctor.report import Finding, ok, problem, skipped, warning
from archesai_infra.components.dns import DNS_SERVICES, Dns

CHECK = "dns"
PROBE = r"""
name=kubernetes.default.svc
domain=$(sed -n 's/^search .*\.svc\.\([^ ]*\).*/\1/p' /etc/resolv.conf)
getent hosts "$name" || nslookup "$name" || nslookup "$name.$domain"
"""
"""Resolves a name that every cluster has; images have one of the two programs, and BusyBox' nslookup searches no
domain for a name with dots."""
POLICY = "archesai-dns"

Object = dict[str, Any]


@dataclass(frozen=True)
class Answering:
    """A pod that answers for names."""

    namespace: str
    labels: Mapping[str, str]
    ports: tuple[int, ...]


def findings(cluster: Cluster, dns: Dns, namespace: str) -> Iterator[Finding]:
    """What the cluster resolves names with, held against the policies of a stack; raises ClusterError."""
    services = [item for item in cluster.list(path("Service")) if _is_dns(item)]
    asked = _kubelet_resolvers(cluster) or {address for service in services for address in _addresses(service)}
    faults: list[Finding] = []
    local = _node_local(cluster)
    for address in sorted(asked | local):
        if not _open(dns, address):
            # A cache on the node answers before the Service's address becomes that of a pod.
            faults += _behind(cluster, dns, address, [] if address in local else services)
    yield from faults
    if not asked:
        yield from _pods_alone(cluster, dns)
    elif not faults:
        yield ok(CHECK, f"policies let pods ask {', '.join(sorted(asked))}")
    yield from _resolved(cluster, namespace)


def _is_dns(service: Object) -> bool:
    metadata = service["metadata"]
    return (metadata["namespace"], metadata["name"]) in DNS_SERVICES


def _addresses(service: Object) -> set[str]:
    spec = service["spec"]
    return {address for address in spec.get("clusterIPs") or [spec.get("clusterIP", "")] if address not in ("", "None")}


def _kubelet_resolvers(cluster: Cluster) -> set[str]:
    """What pods really ask: `clusterDNS` of a node's kubelet, where the user may read it."""
    for node in cluster.list(path("Node"))[:1]:
        try:
            found = cluster.find(f"{path('Node', name=node['metadata']['name'])}/proxy/configz")
        except ClusterError:
            # Many users may not, and the DNS Service's address says the same on most clusters.
            return set()
        return set((found or {}).get("kubeletconfig", {}).get("clusterDNS") or [])
    return set()


def _node_local(cluster: Cluster) -> set[str]:
    """Addresses that a node-local cache takes over: what follows `-localip` on its command line."""
    found: set[str] = set()
    for daemon in cluster.list(path("DaemonSet")):
        for container in daemon["spec"]["template"]["spec"]["containers"]:
            words = [*container.get("command", []), *container.get("args", [])]
            for flag, value in pairwise(words):
                if flag.lstrip("-") == "localip":
                    found |= {address.strip() for address in value.split(",")}
    return found


def _open(dns: Dns, address: str) -> bool:
    return any(ip_address(address) in ip_network(cidr) for cidr in dns.cidrs)


def _behind(cluster: Cluster, dns: Dns, address: str, services: list[Object]) -> Iterator[Finding]:
    """Faults of an address that is not open itself: its pods have to be, or it has none."""
    service = next((item for item in services if address in _addresses(item)), None)
    pods = [] if service is None else _endpoints(cluster, service)
    if not pods:
        bits = ip_address(address).max_prefixlen
        cure = _set("cidrs", [*dns.cidrs, f"{address}/{bits}"])
        yield problem(CHECK, f"pods ask {address}, no pod is behind it, and no policy allows it", cure)
        return
    for pod in pods:
        if not any(_selects(peer.namespace, peer.pod_labels, pod) for peer in dns.peers):
            # What the Service selects names the workload; its pods have labels of one revision and one zone as well.
            labels = (service or {}).get("spec", {}).get("selector") or dict(pod.labels)
            peer = {"namespace": pod.namespace, "podLabels": labels}
            cure = _set("peers", [*(item.model_dump(by_alias=True) for item in dns.peers), peer])
            yield problem(CHECK, f"no policy allows the DNS pods in {pod.namespace} with {_text(labels)}", cure)
            return
        if closed := sorted(set(pod.ports) - set(dns.ports)):
            cure = _set("ports", sorted({*dns.ports, *closed}))
            yield problem(CHECK, f"DNS pods listen on {', '.join(map(str, closed))}, which no policy allows", cure)
            return


def _endpoints(cluster: Cluster, service: Object) -> list[Answering]:
    namespace, name = service["metadata"]["namespace"], service["metadata"]["name"]
    found: dict[str, tuple[int, ...]] = {}
    for item in cluster.list(path("EndpointSlice", namespace), labels=f"kubernetes.io/service-name={name}"):
        ports = tuple(port["port"] for port in item.get("ports") or [] if "dns" in (port.get("name") or "dns"))
        for endpoint in item.get("endpoints") or []:
            if (endpoint.get("targetRef") or {}).get("kind") == "Pod":
                found[endpoint["targetRef"]["name"]] = ports
    pods = {pod["metadata"]["name"]: pod for pod in cluster.list(path("Pod", namespace))}
    return [
        Answering(namespace, pods[name]["metadata"].get("labels", {}), ports)
        for name, ports in found.items()
        if name in pods
    ]


def _pods_alone(cluster: Cluster, dns: Dns) -> Iterator[Finding]:
    """Without a Service or a kubelet to ask: pods that the policies name have to be there."""
    for peer in dns.peers:
        labels = ",".join(f"{key}={value}" for key, value in sorted(peer.pod_labels.items()))
        if cluster.list(path("Pod", peer.namespace), labels=labels):
            yield ok(CHECK, f"pods with {labels} in {peer.namespace}")
            return
    yield problem(
        CHECK,
        "the cluster shows no DNS Service, and no pod that the policies would allow answers for names",
        "look into a pod's /etc/resolv.conf and add that address: " + _set("cidrs", [*dns.cidrs, "<address>/32"]),
    )


def _resolved(cluster: Cluster, namespace: str) -> Iterator[Finding]:
    """The answer to a question that a pod under the stack's policies asks."""
    pods = [pod for pod in _asking(cluster, namespace) if pod.get("status", {}).get("phase") == "Running"]
    if not pods or not cluster.allowed("create", "", "pods/exec", namespace):
        yield skipped("name from a pod", "no pod of the stack runs that the user may run a command in")
        return
    name = pods[0]["metadata"]["name"]
    answer = cluster.execute(namespace, name, ["sh", "-c", PROBE])
    if answer.status == 0:
        yield ok("name from a pod", f"{name} resolves kubernetes.default.svc")
    else:
        cure = f"compare its /etc/resolv.conf with the NetworkPolicy {POLICY}"
        yield warning("name from a pod", f"{name} does not resolve kubernetes.default.svc", cure)


def _asking(cluster: Cluster, namespace: str) -> list[Object]:
    """Pods that the stack's policy lets ask for names."""
    policy = cluster.find(path("NetworkPolicy", namespace, POLICY))
    terms = policy["spec"]["podSelector"].get("matchExpressions", []) if policy else []
    selector = ",".join(f"{term['key']} in ({','.join(term['values'])})" for term in terms)
    return cluster.list(path("Pod", namespace), labels=selector)


def _selects(namespace: str, labels: Mapping[str, str], pod: Answering) -> bool:
    return namespace == pod.namespace and labels.items() <= pod.labels.items()


def _text(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(labels.items()))


def _set(key: str, value: object) -> str:
    return f"in the stack file, below archesai:security: dns: {{{key}: {_flow(value)}}}"


def _flow(value: object) -> str:
    """A value as a stack file writes it on one line."""
    match value:
        case dict():
            return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items() if item is not None) + "}"
        case list():
            return "[" + ", ".join(map(_flow, value)) + "]"
        case _:
            return str(value)
