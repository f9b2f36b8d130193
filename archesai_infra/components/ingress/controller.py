"""The controller that serves the class, and the Service in front of the one that the stack installs."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, JsonValue, model_validator

from archesai_infra.kube.network import NamespacePods
from archesai_infra.model import Model
from archesai_infra.types import Cidr, DnsLabel, IpAddress, Text


class ControllerService(Model):
    """The Service of the controller that the stack installs."""

    annotations: dict[str, Text] = Field(default_factory=dict)
    """Settings of the cloud's load balancer, such as `service.beta.kubernetes.io/aws-load-balancer-scheme:
    internet-facing`, without which the AWS Load Balancer Controller makes an internal one."""
    load_balancer_class: Text | None = None
    """Implementation of the load balancer, such as `service.k8s.aws/nlb`; cannot be changed later."""
    external_traffic_policy: Literal["Local", "Cluster"] = "Local"
    """`Local` keeps the clients' addresses; `Cluster` puts a node's in their place."""
    source_ranges: tuple[Cidr, ...] = ()
    """Networks of clients that the load balancer lets in; all where there are none."""
    address: IpAddress | None = None
    """Static address of the load balancer; some clouds want it as an annotation instead."""


class Controller(Model):
    """The ingress controller that serves the class."""

    install: bool = False
    """Install Traefik as a Helm release; it also serves class nginx and its annotations."""
    namespace: DnsLabel | None = None
    """Namespace of the controller's pods; `ingress` for ours, else where the class's controller usually lives."""
    pod_labels: dict[str, str] = Field(default_factory=dict)
    """Labels of the controller's pods; the only pods that network policies let in."""
    cidrs: tuple[Cidr, ...] = ()
    """Addresses that network policies let in: those of a load balancer that is no pod (GCE, ALB), or of nodes whose
    network the controller uses. Needed for a class other than nginx and traefik whose controller is not named."""
    cilium: bool = False
    """Cilium's own Ingress or Gateway API lets requests in. It has no address that a NetworkPolicy can name:
    CiliumNetworkPolicies name it, for which the cluster needs Cilium's definitions."""
    replicas: int = Field(default=1, ge=1)
    """Pods of our controller."""
    service_type: Literal["LoadBalancer", "NodePort", "ClusterIP"] = "LoadBalancer"
    """How our controller is reached from outside."""
    service: ControllerService = ControllerService()
    """Our controller's Service."""
    trusted_proxies: tuple[Cidr, ...] = ()
    """Load balancers in front of our controller that tell the client's address, in `X-Forwarded-For` or by PROXY
    protocol; from everybody else neither is believed."""
    proxy_protocol: bool = False
    """The trusted proxies speak PROXY protocol."""
    access_log: bool = True
    """Our controller logs each request as a line of JSON."""
    values: dict[str, JsonValue] = Field(default_factory=dict)
    """More values of our controller's chart, such as tolerations; they win over the stack's own."""

    @model_validator(mode="after")
    def _proxies(self) -> Self:
        if self.proxy_protocol and not self.trusted_proxies:
            raise ValueError("proxyProtocol needs trustedProxies, or every client could name any address")
        if self.cilium and self.install:
            raise ValueError("cilium is for Cilium's own Ingress or Gateway, and install runs Traefik: remove one")
        return self

    @property
    def release_namespace(self) -> str:
        """Namespace of the controller that the stack installs."""
        return self.namespace or "ingress"

    @property
    def anonymous(self) -> bool:
        """Whether the stack file says nothing about the controller's pods."""
        return self.namespace is None and not self.pod_labels

    @property
    def knows_clients(self) -> bool:
        """Whether our controller sees the clients' own addresses."""
        direct = self.service_type == "ClusterIP" or self.service.external_traffic_policy == "Local"
        return direct or bool(self.trusted_proxies)

    def pods(self, namespace: str, name: str) -> NamespacePods:
        """The controller's pods: what the stack file says, else in this namespace and with this name."""
        labels = self.pod_labels or {"app.kubernetes.io/name": name}
        return NamespacePods(self.namespace or namespace, tuple(sorted(labels.items())))
