"""Connections of all pods of a stack whose charts' namespaces are closed, against both ends of its list of flows."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from archesai_infra.kube.chart_network import ChartNetwork
from archesai_infra.kube.network import DNS_PORT, LINK_LOCAL, Addresses, Entity, Peer, connecting
from archesai_infra.stack.chart_flows import chart_network
from archesai_infra.stack.flows import flows
from testbed.node.layout import IPV4
from testbed.node.reaching import NAMES, Place, Reach, Target, no_pods, places, reached_from
from testbed.node.rig import Nodes
from testbed.node.stack import LiveStack


@dataclass(frozen=True)
class _End:
    """Where a connection may lead: a port of a pod, or of what is no pod."""

    target: Target
    address: str
    place: Place | None = None

    def is_meant_by(self, peer: Peer | Entity) -> bool:
        if isinstance(peer, Addresses):
            # The nodes' network policies count pods among the addresses, as most plugins do.
            return _holds(peer.cidrs, self.address) and not _holds((*peer.excluded, *LINK_LOCAL), self.address)
        return self.place is not None and self.place.is_meant_by(peer)


def reach_closed(stack: LiveStack, nodes: Nodes) -> Reach:
    """Try every connection from each pod of the stack and of its charts to each of them and to what is no pod."""
    network = chart_network(stack.evaluation.settings, stack.name)
    assert network.knows_api_server
    there = list(places(stack))
    ends = list(_ends(there))
    tried = {place.name: [end for end in ends if _is_elsewhere(end, place)] for place in there}
    with ThreadPoolExecutor(4) as pool:
        answers = {
            place.name: pool.submit(
                reached_from,
                nodes,
                place.pod,
                {end.target: IPV4.dialed(end.address, end.target[1]) for end in tried[place.name]},
            )
            for place in there
        }
        found = {(name, target) for name, answer in answers.items() for target in answer.result()}
    allowed = {
        (place.name, end.target) for place in there for end in tried[place.name] if _allows(stack, network, place, end)
    }
    return Reach(frozenset(allowed), frozenset(found), sum(map(len, tried.values())))


def _ends(there: list[Place]) -> Iterator[_End]:
    for place in there:
        yield from (_End((place.name, port), place.address(IPV4), place) for port in place.ports)
    for name, (address, ports) in no_pods(IPV4).items():
        yield from (_End((name, port), address) for port in ports)


def _is_elsewhere(end: _End, place: Place) -> bool:
    """Whether policies are about it: a pod always reaches itself, and the node that it runs on."""
    return end.place != place and end.address != place.pod["status"]["hostIP"]


def _allows(stack: LiveStack, network: ChartNetwork, source: Place, end: _End) -> bool:
    """Whether the source may open the connection and the target may take it, by one flow or by one for each."""
    port = end.target[1]
    if end.target == (NAMES, DNS_PORT):
        return _resolves(stack, network, source)
    leaving = [flow for flow in network.flows if source.is_meant_by(flow.source) and port in flow.ports]
    if not any(end.is_meant_by(flow.target) for flow in leaving):
        return False
    if end.place is None:
        return True
    start = _End((source.name, 0), source.address(IPV4), source)
    entering = [flow for flow in network.flows if end.place.is_meant_by(flow.target) and port in flow.ports]
    return any(start.is_meant_by(flow.source) for flow in entering)


def _resolves(stack: LiveStack, network: ChartNetwork, source: Place) -> bool:
    if source.own:
        return source.name in connecting(flows(stack.evaluation.settings))
    return any(one.resolves and source.is_meant_by(one.pods) for one in network.pods)


def _holds(networks: tuple[str, ...], address: str) -> bool:
    return any(ip_address(address) in ip_network(network) for network in networks)
