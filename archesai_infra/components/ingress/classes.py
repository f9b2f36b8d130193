"""The classes that a stack with a controller of its own makes; their names are the whole cluster's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from archesai_infra.components.ingress.chart import class_values
from archesai_infra.components.ingress.settings import IngressSettings

NGINX = "nginx"
"""The class that our controller serves by annotations of ingress-nginx."""


@dataclass(frozen=True)
class MadeClass:
    """A class that the stack makes."""

    kind: str
    name: str
    by_chart: bool = False
    """Whether the controller's Helm release makes it, instead of the stack itself."""


def made_classes(settings: IngressSettings) -> Iterator[MadeClass]:
    """What has to be free in the cluster before the first `up`."""
    if not (settings.enabled and settings.controller.install):
        return
    if settings.by_ingress and not settings.speaks_traefik:
        yield MadeClass("IngressClass", NGINX)
    if settings.by_gateway:
        yield MadeClass("GatewayClass", settings.gateway.class_name)
    values = class_values(settings)
    if values["enabled"]:
        yield MadeClass("IngressClass", str(values["name"]), by_chart=True)
