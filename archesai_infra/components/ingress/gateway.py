"""What a stack can set about Gateway API, and what is known of those that implement it."""

from __future__ import annotations

from typing import Literal

from archesai_infra.components.base.peers import PodPeer
from archesai_infra.kube.names import object_name
from archesai_infra.kube.network import NamespacePods
from archesai_infra.model import Model
from archesai_infra.types import DnsLabel

NAME = object_name("gateway")
CONTROLLERS = {
    "traefik": "traefik.io/gateway-controller",
    "envoy": "gateway.envoyproxy.io/gatewayclass-controller",
}
"""Controller names of GatewayClasses."""
TRAEFIK_PORTS = (8000, 8443)
"""Traefik's listeners have the ports of its entry points; everybody else's have those that clients see."""
PUBLIC_PORTS = (80, 443)


class Gateway(Model):
    """Gateway API, in place of Ingress or beside it."""

    class_name: DnsLabel = "traefik"
    """GatewayClass; the one that the controller of the stack serves is made, every other has to be there."""
    implementation: Literal["traefik", "envoy", "other"] = "traefik"
    """What serves the class: it says how limits and headers are expressed, and which ports listeners have."""
    pods: PodPeer | None = None
    """Pods that requests come from; the implementation's usual ones where it is not set. For `other` they are needed,
    or `controller.cidrs`."""
    install_definitions: bool = False
    """Install the definitions of the standard channel, for clusters that have none. The release fails where there are
    some, and overwrites nothing."""

    @property
    def ports(self) -> tuple[int, int]:
        """Ports of the listeners for HTTP and HTTPS."""
        return TRAEFIK_PORTS if self.implementation == "traefik" else PUBLIC_PORTS

    @property
    def usual_pods(self) -> NamespacePods | None:
        """Pods that requests come from, as network policies see them; None where nothing tells."""
        if self.pods is not None:
            return self.pods.pods
        usual = {
            "traefik": NamespacePods("traefik", (("app.kubernetes.io/name", "traefik"),)),
            "envoy": NamespacePods("envoy-gateway-system", (("gateway.envoyproxy.io/owning-gateway-name", NAME),)),
        }
        return usual.get(self.implementation)
