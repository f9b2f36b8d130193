"""The words of Traefik: Middlewares and the annotations that name them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from archesai_infra.components.ingress.settings import IngressSettings
from archesai_infra.kube.names import object_name

HEADERS = "headers"
STREAMED = ["text/event-stream", "application/x-ndjson"]
"""Types of answers that come in pieces, which compressing would collect."""


def ingress_annotations(settings: IngressSettings, namespace: str, module: str) -> dict[str, str]:
    """Which of the namespace's Middlewares and which entry point the Ingress of a module uses."""
    names = [f"{namespace}-{object_name(part)}@kubernetescrd" for part in used(settings, module)]
    return {
        "traefik.ingress.kubernetes.io/router.middlewares": ",".join(names),
        "traefik.ingress.kubernetes.io/router.entrypoints": "websecure" if settings.tls.enabled else "web",
    }


def used(settings: IngressSettings, module: str) -> list[str]:
    """Parts of the Middlewares that the host of a module goes through, in their order."""
    limit = settings.rate_limit
    limited = ["rate-limit"] if limit is not None and module in limit.hosts else []
    # Object storage signs and compresses for itself.
    return [*limited, HEADERS] if module == "storage" else [*limited, HEADERS, "compress"]


def middlewares(settings: IngressSettings, modules: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Specs of Traefik's Middlewares by part: those that the hosts of some modules go through."""
    wanted = (
        {part for module in modules for part in used(settings, module)} if settings.uses_middlewares else set[str]()
    )
    if settings.controller.install and settings.by_ingress and not settings.speaks_traefik:
        # Its entry point names it, as annotations of ingress-nginx cannot.
        wanted.add(HEADERS)
    built = {
        "rate-limit": rate_limit(settings),
        HEADERS: headers(settings),
        "compress": {"compress": {"excludedContentTypes": STREAMED}},
    }
    return {part: spec for part, spec in built.items() if part in wanted}


def headers(settings: IngressSettings) -> dict[str, Any]:
    """Security headers, and with TLS the word that browsers stay with HTTPS."""
    built: dict[str, Any] = {"contentTypeNosniff": True, "frameDeny": True, "referrerPolicy": "same-origin"}
    if settings.tls.enabled:
        built |= {"stsSeconds": 31536000, "stsIncludeSubdomains": True}
    return {"headers": built}


def rate_limit(settings: IngressSettings) -> dict[str, Any]:
    """A bucket for each client address; behind trusted proxies that is the last address that is none of theirs."""
    limit, controller = settings.rate_limit, settings.controller
    if limit is None:
        return {}
    built: dict[str, Any] = {"average": limit.requests_per_second, "burst": limit.burst, "period": "1s"}
    if controller.install and controller.trusted_proxies and not controller.proxy_protocol:
        built["sourceCriterion"] = {"ipStrategy": {"excludedIPs": list(controller.trusted_proxies)}}
    return {"rateLimit": built}
