"""What a stack can set about the way in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import Field, model_validator

from archesai_infra.components.base.settings import Module
from archesai_infra.components.ingress.certificates import ACME, CertManager, ClusterIssuer, Tls
from archesai_infra.components.ingress.controller import Controller
from archesai_infra.components.ingress.expressible import STREAMS, refusals
from archesai_infra.components.ingress.gateway import Gateway
from archesai_infra.components.ingress.limits import RateLimit, Timeouts
from archesai_infra.kube.network import Addresses, Entity, NamespacePods, Peer
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
    grafana: DnsLabel | None = None
    """Host of Grafana, where the stack runs it."""

    def of(self, module: str) -> str | None:
        """First part of a module's host name, if it has one."""
        hosts: dict[str, str | None] = dict(self)
        return hosts.get(module)


class IngressSettings(Module):
    """The way in from outside the cluster."""

    api: Literal["ingress", "gateway", "both"] = "ingress"
    """Objects that the hosts are made of: Ingress, Gateway API, or both side by side while clients move over."""
    gateway: Gateway = Gateway()
    """Gateway API."""
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
        if self.by_ingress:
            given = self.model_fields_set
            for refusal in refusals(self.class_name, self.controller, given, self.rate_limit, self.timeouts):
                raise ValueError(refusal)
        if self.by_gateway:
            for refusal in self._gateway_refusals():
                raise ValueError(refusal)
        if self.enabled and not (self.controller_peers or self.controller_entities):
            raise ValueError(
                f"class {self.class_name if self.by_ingress else self.gateway.class_name} does not tell who lets "
                "requests in: set controller.namespace and controller.podLabels (gateway.pods with Gateway API) for a "
                "controller of pods, or controller.cidrs for a load balancer, such as "
                "130.211.0.0/22 and 35.191.0.0/16 for gce, the subnets of an ALB, or the nodes' addresses, or "
                "controller.cilium for Cilium's own"
            )
        if self.cluster_issuer.create:
            if self.tls.issuer not in ACME:
                raise ValueError(f"clusterIssuer.create needs tls.issuer to be one of {', '.join(sorted(ACME))}")
            if self.cluster_issuer.email is None:
                raise ValueError("clusterIssuer.create needs clusterIssuer.email")
        return self

    def _gateway_refusals(self) -> Iterator[str]:
        """Why settings would have no effect by Gateway API."""
        gateway, given = self.gateway, self.model_fields_set
        if self.controller.install and gateway.implementation != "traefik":
            yield f"controller.install is Traefik, and gateway.implementation is {gateway.implementation}"
        if "body_size" in given and gateway.implementation != "envoy":
            yield f"bodySize cannot be expressed for gateway.implementation {gateway.implementation}: {STREAMS}"
        if "rate_limit" in given and self.rate_limit is not None and gateway.implementation != "traefik":
            yield f"rateLimit cannot be expressed for gateway.implementation {gateway.implementation}: use traefik"
        able = {"traefik": {"request"} if self.controller.install else set[str](), "envoy": {"read"}}
        for key in sorted(self.timeouts.model_fields_set - able.get(gateway.implementation, set())):
            yield f"timeouts.{key} cannot be expressed for gateway.implementation {gateway.implementation}"

    @property
    def by_ingress(self) -> bool:
        """Whether hosts are Ingresses."""
        return self.api != "gateway"

    @property
    def by_gateway(self) -> bool:
        """Whether hosts are listeners of a Gateway."""
        return self.api != "ingress"

    @property
    def uses_middlewares(self) -> bool:
        """Whether some object of the stack names Traefik's Middlewares."""
        by_gateway = self.by_gateway and self.gateway.implementation == "traefik"
        return by_gateway or (self.by_ingress and self.speaks_traefik)

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
        """Whom the hosts' pods let in from outside by NetworkPolicies: controllers that are pods, and addresses."""
        found: list[Peer | None] = []
        if self.by_ingress or self.controller.install:
            found.append(self.controller_pods)
        if self.by_gateway and not self.controller.install:
            found.append(self.gateway.usual_pods)
        if self.controller.cidrs:
            found.append(Addresses("load balancer", self.controller.cidrs))
        return tuple(dict.fromkeys(peer for peer in found if peer is not None))

    @property
    def controller_entities(self) -> tuple[Entity, ...]:
        """Whom they let in besides by CiliumNetworkPolicies."""
        # https://docs.cilium.io/en/stable/network/servicemesh/ingress/#ingress-and-network-policy
        return (Entity("ingress"),) if self.controller.cilium else ()

    def url(self, host: str, domain: str) -> str:
        """Public URL of a host below the domain."""
        return f"{'https' if self.tls.enabled else 'http'}://{host}.{domain}"
