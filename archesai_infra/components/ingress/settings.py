"""What a stack can set about the way in."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator
from pydantic.alias_generators import to_camel

from archesai_infra.components.ingress.certificates import ACME, CertManager, ClusterIssuer, Tls
from archesai_infra.components.ingress.controller import Controller
from archesai_infra.components.ingress.limits import EXPRESSED, RateLimit, Timeouts
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
    """IngressClass: nginx, traefik (without timeouts), or any other without body size, rate limit and timeouts."""
    hosts: Hosts = Hosts()
    """Host names below the stack's domain."""
    tls: Tls = Tls()
    """Certificates."""
    cluster_issuer: ClusterIssuer = ClusterIssuer()
    """The certificates' issuer."""
    body_size: MemoryQuantity = "50Mi"
    """Largest request body."""
    rate_limit: RateLimit = RateLimit()
    """Requests per client."""
    timeouts: Timeouts = Timeouts()
    """Patience with the pods."""
    annotations: dict[str, Text] = Field(default_factory=dict)
    """More annotations for every Ingress; they win over ours."""
    controller: Controller = Controller()
    """The controller."""
    cert_manager: CertManager = CertManager()
    """cert-manager."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for field, classes in EXPRESSED.items():
            if field in self.model_fields_set and self.class_name not in classes:
                name, able = to_camel(field), " or ".join(classes)
                raise ValueError(f"{name} cannot be expressed for class {self.class_name}: use {able}, or annotations")
        if self.controller.install and self.class_name not in ("nginx", "traefik"):
            raise ValueError(f"controller.install serves className nginx or traefik (got {self.class_name})")
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
