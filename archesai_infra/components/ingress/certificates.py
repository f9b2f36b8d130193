"""Certificates: cert-manager, its issuer, and its proof that a host belongs to the stack."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field, model_validator

from archesai_infra.kube.pods import Placement
from archesai_infra.model import Model
from archesai_infra.types import DnsLabel, Email

SOLVER_PORT = 8089
"""Port of cert-manager's HTTP-01 solver pods, which appear in the stack's own namespace."""
SOLVER_LABELS = {"acme.cert-manager.io/http01-solver": "true"}


ACME = {
    "letsencrypt-prod": "https://acme-v02.api.letsencrypt.org/directory",
    "letsencrypt-staging": "https://acme-staging-v02.api.letsencrypt.org/directory",
}


class Tls(Model):
    """Certificates of the hosts."""

    enabled: bool = False
    """Serve HTTPS and redirect to it."""
    issuer: DnsLabel | None = None
    """ClusterIssuer of cert-manager that makes a certificate for each host."""
    existing_secret: DnsLabel | None = None
    """Existing TLS Secret for all hosts."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.enabled and (self.issuer is None) == (self.existing_secret is None):
            raise ValueError("needs one of issuer (such as letsencrypt-prod) and existingSecret, and not both")
        return self


class ClusterIssuer(Model):
    """A ClusterIssuer for Let's Encrypt."""

    create: bool = False
    """Create the ClusterIssuer that `tls.issuer` names: letsencrypt-staging or letsencrypt-prod."""
    email: Email | None = None
    """Address that Let's Encrypt warns before a certificate expires."""


class CertManager(Model):
    """cert-manager."""

    install: bool = False
    """Install it as a Helm release."""
    namespace: DnsLabel = "cert-manager"
    """Its namespace."""
    replicas: int = Field(default=1, ge=1)
    """Pods of its controller and its webhook."""


def cert_manager_values(settings: CertManager, mirror: str | None, *, gateways: bool) -> dict[str, Any]:
    """Values of the cert-manager chart."""
    resources = {"requests": {"cpu": "20m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}}
    budget = {"enabled": True, "maxUnavailable": 1} if settings.replicas > 1 else {"enabled": False}
    values: dict[str, Any] = {
        "crds": {"enabled": True, "keep": True},
        "global": {"leaderElection": {"namespace": settings.namespace}},
        "replicaCount": settings.replicas,
        "podDisruptionBudget": budget,
        "resources": resources,
        "webhook": {"replicaCount": settings.replicas, "podDisruptionBudget": budget, "resources": resources},
        "cainjector": {"replicaCount": settings.replicas, "podDisruptionBudget": budget, "resources": resources},
        "startupapicheck": {"resources": resources},
    }
    if mirror is not None:
        values["imageRegistry"] = mirror
    if gateways:
        values["config"] = {
            "apiVersion": "controller.config.cert-manager.io/v1alpha1",
            "kind": "ControllerConfiguration",
            "gatewayAPI": {"enabled": True},
        }
    return values


def issuer_spec(settings: ClusterIssuer, issuer: str, solver: dict[str, Any]) -> dict[str, Any]:
    """Spec of a ClusterIssuer that proves hosts to Let's Encrypt over HTTP."""
    return {
        "acme": {
            "server": ACME[issuer],
            "email": settings.email,
            "privateKeySecretRef": {"name": issuer},
            "solvers": [{"http01": solver}],
        }
    }


def solver_pods(placement: Placement, pull_secret: str | None) -> dict[str, Any]:
    """What a solver adds to its pods: the values of the chart do not reach the pods that cert-manager creates."""
    spec = {
        "nodeSelector": dict(placement.node_selector),
        "tolerations": [dict(toleration) for toleration in placement.tolerations],
        "priorityClassName": placement.priority_class,
        "imagePullSecrets": [{"name": pull_secret}] if pull_secret else [],
    }
    added = {key: value for key, value in spec.items() if value}
    return {"podTemplate": {"spec": added}} if added else {}
