"""What a stack can set about the way in."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator
from pydantic.alias_generators import to_camel

from archesai_infra.components.ingress.certificates import ACME, CertManager, ClusterIssuer, Tls
from archesai_infra.components.ingress.controller import Controller
from archesai_infra.components.ingress.limits import EXPRESSED, RateLimit, Timeouts
from archesai_infra.kube.network import NamespacePods
from archesai_infra.model import Model
from archesai_infra.types import DnsLabel, MemoryQuantity, Text


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
        if self.cluster_issuer.create:
            if self.tls.issuer not in ACME:
                raise ValueError(f"clusterIssuer.create needs tls.issuer to be one of {', '.join(sorted(ACME))}")
            if self.cluster_issuer.email is None:
                raise ValueError("clusterIssuer.create needs clusterIssuer.email")
        return self

    @property
    def controller_pods(self) -> NamespacePods:
        """The controller, as network policies see it."""
        usual = {"nginx": ("ingress-nginx", "ingress-nginx"), "traefik": ("traefik", "traefik")}
        namespace, name = usual.get(self.class_name, (self.class_name, self.class_name))
        if self.controller.install:
            namespace, name = "ingress", "traefik"
        pod_labels = self.controller.pod_labels or {"app.kubernetes.io/name": name}
        return NamespacePods(self.controller.namespace or namespace, tuple(sorted(pod_labels.items())))

    def url(self, host: str, domain: str) -> str:
        """Public URL of a host below the domain."""
        return f"{'https' if self.tls.enabled else 'http'}://{host}.{domain}"
