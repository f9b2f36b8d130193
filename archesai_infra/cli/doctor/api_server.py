"""Whether network policies can name the API server: without its addresses, pods of charts reach everything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import Any

from archesai_infra.cli.base.cluster import Cluster
from archesai_infra.cli.base.kinds import path
from archesai_infra.cli.doctor.report import Finding, ok, problem, skipped, warning
from archesai_infra.kube.network import API_PORTS
from archesai_infra.stack.namespaces import chart_namespaces
from archesai_infra.stack.settings import Settings

CHECK = "api server"
_SLICES = "kubernetes.io/service-name=kubernetes"

Object = dict[str, Any]


def findings(cluster: Cluster, settings: Settings) -> Iterator[Finding]:
    """The API server's addresses and ports, held against `cluster.apiServer`; raises ClusterError."""
    charts = sorted(set(chart_namespaces(settings).values()))
    if not charts and not settings.cluster.api_server_peers:
        yield skipped(CHECK, "no pod of the stack asks it")
        return
    slices = cluster.list(path("EndpointSlice", "default"), labels=_SLICES)
    ports = sorted({int(port["port"]) for one in slices for port in one.get("ports") or []})
    if others := [port for port in ports if port not in API_PORTS and settings.cluster.api_server_peers]:
        opened = " and ".join(map(str, API_PORTS))
        text = f"it listens on {', '.join(map(str, others))}, and network policies open {opened}"
        yield problem(CHECK, text, f"add a NetworkPolicy for that port in {', '.join([settings.namespace, *charts])}")
    if settings.cluster.cilium:
        yield ok(CHECK, "Cilium's policies name it by what it is")
        return
    addresses = [*_service(cluster), *(one for item in slices for one in _addresses(item))]
    unnamed = [one for one in dict.fromkeys(addresses) if not _named(settings, one)]
    if not unnamed:
        yield ok(CHECK, f"cluster.apiServer names {', '.join(dict.fromkeys(addresses))}")
        return
    known = [*settings.cluster.api_server, *(f"{one}/{ip_address(one).max_prefixlen}" for one in unnamed)]
    cure = f"arches config set cluster.apiServer '{json.dumps(known)}'"
    if settings.cluster.api_server:
        yield problem(CHECK, f"cluster.apiServer lacks {', '.join(unnamed)}: pods do not reach it", cure)
    else:
        text = f"its addresses are not set, so that pods in {', '.join(charts)} may connect to everything"
        yield warning(CHECK, text, f"{cure}, or cluster.cilium true where Cilium enforces the policies")


def _service(cluster: Cluster) -> list[str]:
    """Addresses of the Service `kubernetes`."""
    spec: Object = (cluster.find(path("Service", "default", "kubernetes")) or {}).get("spec", {})
    return [str(one) for one in spec.get("clusterIPs") or []]


def _addresses(item: Object) -> Iterator[str]:
    """Addresses of an EndpointSlice."""
    for endpoint in item.get("endpoints") or []:
        yield from map(str, endpoint["addresses"])


def _named(settings: Settings, address: str) -> bool:
    return any(ip_address(address) in ip_network(network) for network in settings.cluster.api_server)
