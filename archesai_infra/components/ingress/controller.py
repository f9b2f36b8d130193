"""The controller that serves the class."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from archesai_infra.model import Model
from archesai_infra.types import DnsLabel


class Controller(Model):
    """The ingress controller that serves the class."""

    install: bool = False
    """Install Traefik as a Helm release; it also serves class nginx and its annotations."""
    namespace: DnsLabel | None = None
    """Namespace of the controller's pods; `ingress` for ours, else where the class's controller usually lives."""
    pod_labels: dict[str, str] = Field(default_factory=dict)
    """Labels of the controller's pods; the only pods that network policies let in."""
    replicas: int = Field(default=1, ge=1)
    """Pods of our controller."""
    service_type: Literal["LoadBalancer", "NodePort", "ClusterIP"] = "LoadBalancer"
    """How our controller is reached from outside."""
