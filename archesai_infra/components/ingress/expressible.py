"""What a class of ingress can express of the settings: none of them is without effect in silence."""

from __future__ import annotations

from collections.abc import Iterator

from archesai_infra.components.ingress.controller import Controller
from archesai_infra.components.ingress.limits import RateLimit, Timeouts

STREAMS = (
    "Traefik's Middleware holds every answer back until its end, also those that are streamed: use class nginx, or a "
    "limit in the api"
)


def refusals(
    class_name: str, controller: Controller, given: set[str], rate_limit: RateLimit | None, timeouts: Timeouts
) -> Iterator[str]:
    """Why settings of a stack file would have no effect, or another one than they say; `given` is what it sets."""
    traefik = class_name == "traefik" or (controller.install and class_name != "nginx")
    if "body_size" in given and traefik:
        yield f"bodySize cannot be expressed for class {class_name}: {STREAMS}"
    elif "body_size" in given and class_name != "nginx":
        yield f"bodySize cannot be expressed for class {class_name}: use nginx, or annotations"
    if "rate_limit" in given and rate_limit is not None and not traefik and class_name != "nginx":
        yield f"rateLimit cannot be expressed for class {class_name}: use nginx or traefik, or annotations"
    for key in sorted(timeouts.model_fields_set) if "timeouts" in given else ():
        if key == "request" and not controller.install:
            yield "timeouts.request is for the controller that the stack installs: set controller.install, or remove it"
        elif key != "request" and class_name != "nginx":
            yield f"timeouts.{key} cannot be expressed for class {class_name}: use nginx, or annotations"
    if rate_limit is not None and (class_name == "nginx" or traefik):
        yield from _rate_limit(class_name, controller, rate_limit)


def _rate_limit(class_name: str, controller: Controller, limit: RateLimit) -> Iterator[str]:
    if class_name == "nginx" and limit.burst % limit.requests_per_second:
        yield (
            f"rateLimit.burst must be a multiple of requestsPerSecond for class nginx, which knows only the multiplier "
            f"(got {limit.burst} and {limit.requests_per_second})"
        )
    if not controller.install:
        return
    if not controller.knows_clients:
        yield (
            "rateLimit counts by client address, which controller.service.externalTrafficPolicy: Cluster hides: set it "
            "to Local, name controller.trustedProxies, or set rateLimit to null"
        )
    elif class_name == "nginx" and controller.trusted_proxies and not controller.proxy_protocol:
        yield (
            "rateLimit counts connections for class nginx, and those come from controller.trustedProxies: set "
            "controller.proxyProtocol, use class traefik, or set rateLimit to null"
        )
