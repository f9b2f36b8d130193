"""The objects of a host: made the same way in the stack's namespace and in those of charts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.networking.v1 import Ingress

from archesai_infra.components.base.component import SKIP_AWAIT, Component
from archesai_infra.components.ingress import routes, traefik
from archesai_infra.components.ingress.exposure import Exposure, ingress_annotations, ingress_spec
from archesai_infra.components.ingress.settings import IngressSettings
from archesai_infra.kube.names import object_name


def expose(
    component: Component,
    settings: IngressSettings,
    exposure: Exposure,
    namespace: str,
    *,
    after: Sequence[pulumi.Resource],
    gateway: Sequence[pulumi.Resource],
) -> None:
    """Create the Ingress and the route of a host as children of a component, in the namespace of its Service.

    The Ingress comes after the resources in `after`, the route after those in `gateway`.
    """
    module = exposure.module
    name = object_name(module)
    if settings.by_gateway:
        CustomResource(
            f"{component.module}-route-{module}",
            api_version=routes.API_VERSION,
            kind="HTTPRoute",
            metadata=component.metadata(name, namespace=namespace),
            spec=routes.route_spec(settings, exposure, component.context.namespace),
            opts=component.child(depends_on=gateway),
        )
    if settings.by_gateway and settings.gateway.implementation == "envoy":
        CustomResource(
            f"{component.module}-traffic-{module}",
            api_version=routes.POLICY_API_VERSION,
            kind="BackendTrafficPolicy",
            metadata=component.metadata(name, namespace=namespace),
            spec=routes.traffic_policy_spec(settings, module),
            opts=component.child(depends_on=gateway),
        )
    if settings.by_ingress:
        annotations = SKIP_AWAIT | ingress_annotations(settings, namespace, module)
        Ingress(
            f"{component.module}-{module}",
            metadata=component.metadata(name, annotations, namespace=namespace),
            spec=ingress_spec(settings, exposure),
            opts=component.child(depends_on=after),
        )


def middlewares(
    component: Component,
    settings: IngressSettings,
    modules: Iterable[str],
    namespace: str,
    after: Sequence[pulumi.Resource],
) -> list[pulumi.Resource]:
    """Create Traefik's Middlewares for the hosts of some modules, beside their Ingresses and routes."""
    return [
        CustomResource(
            f"{component.module}-{part}",
            api_version="traefik.io/v1alpha1",
            kind="Middleware",
            metadata=component.metadata(object_name(part), namespace=namespace),
            spec=spec,
            opts=component.child(depends_on=after),
        )
        for part, spec in traefik.middlewares(settings, modules).items()
    ]
