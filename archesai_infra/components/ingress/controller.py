"""The controller that serves the class."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from archesai_infra.kube.network import NamespacePods
from archesai_infra.model import Model
from archesai_infra.types import Cidr, DnsLabel


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
    replicas: int = Field(default=1, ge=1)
    """Pods of our controller."""
    service_type: Literal["LoadBalancer", "NodePort", "ClusterIP"] = "LoadBalancer"
    """How our controller is reached from outside."""

    @property
    def home(self) -> str:
        """Namespace of the controller that the stack installs."""
        return self.namespace or "ingress"

    @property
    def anonymous(self) -> bool:
        """Whether the stack file says nothing about the controller's pods."""
        return self.namespace is None and not self.pod_labels

    def pods(self, namespace: str, name: str) -> NamespacePods:
        """The controller's pods: what the stack file says, else in this namespace and with this name."""
        labels = self.pod_labels or {"app.kubernetes.io/name": name}
        return NamespacePods(self.namespace or namespace, tuple(sorted(labels.items())))
