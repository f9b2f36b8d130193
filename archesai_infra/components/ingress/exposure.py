"""One host in front of one Service."""

from __future__ import annotations

from dataclasses import dataclass

from pulumi_kubernetes.networking.v1 import IngressSpecArgsDict

from archesai_infra.components.ingress import nginx, traefik
from archesai_infra.components.ingress.settings import IngressSettings
from archesai_infra.kube.names import object_name


@dataclass(frozen=True)
class Exposure:
    """A Service that gets a host of its own."""

    module: str
    host: str
    """Whole host name."""
    service: str
    port: int
    path: str = "/"
    """Prefix of the paths that are served."""


def ingress_annotations(settings: IngressSettings, namespace: str, module: str) -> dict[str, str]:
    """The class's own words for TLS, body size, rate limit and timeouts of a module's host."""
    built: dict[str, str] = {}
    if settings.class_name == "nginx":
        built = nginx.ingress_annotations(settings, module)
    elif settings.speaks_traefik:
        built = traefik.ingress_annotations(settings, namespace, module)
    if settings.tls.enabled and settings.tls.issuer:
        built["cert-manager.io/cluster-issuer"] = settings.tls.issuer
    return built | settings.annotations


def tls_secret(settings: IngressSettings, module: str) -> str:
    """Name of the Secret with the certificate of a module's host."""
    return settings.tls.existing_secret or f"{object_name(module)}-tls"


def ingress_spec(settings: IngressSettings, exposure: Exposure) -> IngressSpecArgsDict:
    """One host to one Service."""
    spec: IngressSpecArgsDict = {
        "ingress_class_name": settings.class_name,
        "rules": [
            {
                "host": exposure.host,
                "http": {
                    "paths": [
                        {
                            "path": exposure.path,
                            "path_type": "Prefix",
                            "backend": {"service": {"name": exposure.service, "port": {"number": exposure.port}}},
                        }
                    ]
                },
            }
        ],
    }
    if settings.tls.enabled:
        spec["tls"] = [{"hosts": [exposure.host], "secret_name": tls_secret(settings, exposure.module)}]
    return spec
