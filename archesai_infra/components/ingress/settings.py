"""What a stack can set about the way in."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from archesai_infra.components.ingress.certificates import ACME, CertManager, ClusterIssuer, Tls
from archesai_infra.components.ingress.controller import Controller
from archesai_infra.components.ingress.expressible import refusals
from archesai_infra.components.ingress.limits import RateLimit, Timeouts
from archesai_infra.kube.network import Addresses, NamespacePods, Peer
from archesai_infra.model import Model
from archesai_infra.types import DnsLabel, MemoryQuantity, Text

USUAL = {"nginx": ("ingress-nginx", "ingress-nginx"), "traefik": ("traefik", "traefik")}
"""Namespace and name that the pods of a class' controller usually have."""


class Hosts(Model):
    """First part of each module's host name; null keeps a module inside the cluster."""

    api: DnsLabel | None = "api"
    """Host of the api."""
    platform: DnsLabel | None = "platform"
    """Host of the platform."""
    storage: DnsLabel | None = None
    """Host of the object storage's S3 port, for presigned URLs."""
    grafana: DnsLabel | None = "grafana"
    """Host of Grafana, where the stack runs it."""


class IngressSettings(Model):
    """The way in from outside the cluster."""

    enabled: bool = False
    """Run the module."""
    class_name: DnsLabel = "nginx"
    """IngressClass: nginx, traefik, or any other without rate limit, body size and timeouts. With
    `controller.install` every name but nginx is a class of Traefik's own kind, for clusters that have one already."""
    hosts: Hosts = Hosts()
    """Host names below the stack's domain."""
    tls: Tls = Tls()
    """Certificates."""
    cluster_issuer: ClusterIssuer = ClusterIssuer()
    """The certificates' issuer."""
    body_size: MemoryQuantity | None = None
    """Largest request body of every host but the storage's, for class nginx: 50Mi where it is not set. Bodies are
    received whole before a pod sees them."""
    rate_limit: RateLimit | None = RateLimit()
    """Requests per client, for classes nginx and traefik; null for none."""
    timeouts: Timeouts = Timeouts()
    """Limits in time."""
    annotations: dict[str, Text] = Field(default_factory=dict)
    """More annotations for every Ingress; they win over ours."""
    controller: Controller = Controller()
    """The controller."""
    cert_manager: CertManager = CertManager()
    """cert-manager."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        given = self.model_fields_set
        for refusal in refusals(self.class_name, self.controller, given, self.rate_limit, self.timeouts):
            raise ValueError(refusal)
        if self.enabled and not self.controller_peers:
            raise ValueError(
                f"class {self.class_name} does not tell who lets requests in: set controller.namespace and "
                "controller.podLabels for a controller of pods, or controller.cidrs for a load balancer, such as "
                "130.211.0.0/22 and 35.191.0.0/16 for gce, the subnets of an ALB, or the nodes' addresses"
            )
        if self.cluster_issuer.create:
            if self.tls.issuer not in ACME:
                raise ValueError(f"clusterIssuer.create needs tls.issuer to be one of {', '.join(sorted(ACME))}")
            if self.cluster_issuer.email is None:
                raise ValueError("clusterIssuer.create needs clusterIssuer.email")
        return self

    @property
    def speaks_traefik(self) -> bool:
        """Whether Traefik's own annotations and Middlewares have an effect."""
        return self.class_name == "traefik" or (self.controller.install and self.class_name != "nginx")

    @property
    def controller_pods(self) -> NamespacePods | None:
        """The controller's pods, as network policies see them; None where only addresses come in."""
        if self.controller.install:
            return self.controller.pods("ingress", "traefik")
        if self.class_name in USUAL and not (self.controller.cidrs and self.controller.anonymous):
            return self.controller.pods(*USUAL[self.class_name])
        return None if self.controller.anonymous else self.controller.pods(self.class_name, self.class_name)

    @property
    def controller_peers(self) -> tuple[Peer, ...]:
        """Everybody whom the hosts' pods let in from outside: controllers that are pods, and addresses."""
        pods = self.controller_pods
        addresses = Addresses("load balancer", self.controller.cidrs)
        return (*((pods,) if pods else ()), *((addresses,) if self.controller.cidrs else ()))

    def url(self, host: str, domain: str) -> str:
        """Public URL of a host below the domain."""
        return f"{'https' if self.tls.enabled else 'http'}://{host}.{domain}"
