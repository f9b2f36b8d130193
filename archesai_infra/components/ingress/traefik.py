"""The words of class traefik."""

from __future__ import annotations

from typing import Any

from archesai_infra.components.ingress.settings import IngressSettings
from archesai_infra.kube.names import object_name
from archesai_infra.quantities import memory_bytes


def ingress_annotations(settings: IngressSettings, namespace: str) -> dict[str, str]:
    """Which of the namespace's Middlewares and which entry point an Ingress uses."""
    names = [f"{namespace}-{object_name(part)}@kubernetescrd" for part in middlewares(settings)]
    return {
        "traefik.ingress.kubernetes.io/router.middlewares": ",".join(names),
        "traefik.ingress.kubernetes.io/router.entrypoints": "websecure" if settings.tls.enabled else "web",
    }


def middlewares(settings: IngressSettings) -> dict[str, dict[str, Any]]:
    """Traefik's Middlewares by name: what its Ingresses refer to."""
    limit = settings.rate_limit
    headers: dict[str, Any] = {"contentTypeNosniff": True, "frameDeny": True, "referrerPolicy": "same-origin"}
    if settings.tls.enabled:
        headers |= {"stsSeconds": 31536000, "stsIncludeSubdomains": True}
    return {
        "rate-limit": {
            "rateLimit": {"average": limit.requests_per_second, "burst": limit.burst, "period": "1s"},
        },
        "body-size": {"buffering": {"maxRequestBodyBytes": memory_bytes(settings.body_size)}},
        "headers": {"headers": headers},
        "compress": {"compress": {}},
    }


def chart_values(settings: IngressSettings, mirror: str | None) -> dict[str, Any]:
    """Values of the Traefik chart."""
    controller = settings.controller
    values: dict[str, Any] = {
        "deployment": {"replicas": controller.replicas},
        "providers": {"kubernetesIngressNGINX": {"enabled": settings.class_name == "nginx"}},
        "service": {"spec": {"type": controller.service_type}},
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
    }
    if controller.replicas > 1:
        values["podDisruptionBudget"] = {"enabled": True, "maxUnavailable": 1}
    if settings.tls.enabled:
        redirect = {"to": "websecure", "scheme": "https", "permanent": True}
        values["ports"] = {"web": {"http": {"redirections": {"entryPoint": redirect}}}}
    if mirror is not None:
        values["image"] = {"registry": mirror}
    return values
