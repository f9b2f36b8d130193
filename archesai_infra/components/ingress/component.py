"""The way in: an Ingress for each host, certificates, and optionally the controller and cert-manager."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.meta.v1 import ObjectMetaArgsDict
from pulumi_kubernetes.networking.v1 import IngressClass, NetworkPolicy

from archesai_infra import versions
from archesai_infra.components.base import charts
from archesai_infra.components.base.component import Component
from archesai_infra.components.base.context import Context
from archesai_infra.components.ingress import routes
from archesai_infra.components.ingress.certificates import (
    SOLVER_LABELS,
    SOLVER_PORT,
    cert_manager_values,
    issuer_spec,
    solver_pods,
)
from archesai_infra.components.ingress.chart import CHART, chart_values, watched
from archesai_infra.components.ingress.classes import NGINX
from archesai_infra.components.ingress.expose import expose, middlewares
from archesai_infra.components.ingress.exposure import Exposure
from archesai_infra.components.ingress.gateway import CONTROLLERS, NAME
from archesai_infra.components.ingress.rights import grant
from archesai_infra.components.ingress.settings import IngressSettings
from archesai_infra.kube import cilium
from archesai_infra.kube.labels import labels
from archesai_infra.kube.names import object_name
from archesai_infra.kube.network import policy_port_spec


@dataclass(frozen=True)
class IngressArgs:
    """What the component is built from."""

    settings: IngressSettings
    exposures: tuple[Exposure, ...]
    """Hosts of Services in the stack's namespace."""
    elsewhere: tuple[tuple[str, Exposure], ...]
    """Hosts of Services in other namespaces, with those: their routes are made there."""
    charts: charts.ChartsSettings
    before: tuple[pulumi.Resource, ...] = ()
    """What makes those other namespaces: the controller has rights there and looks for them when it starts."""


class Ingress(Component):
    """Ingresses for the modules that have a host, and what serves them."""

    def __init__(self, context: Context, args: IngressArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Ingress", "ingress", context, opts)
        settings = args.settings
        ready: list[pulumi.Resource] = self._definitions(settings, args.charts)
        if settings.controller.install:
            ready += self._controller(args, ready)
        issuers = self._issuers(settings, args.charts, ready)
        modules = [exposure.module for exposure in args.exposures]
        ready += middlewares(self, settings, modules, context.namespace, ready)
        gateway = self._gateway(args, [*ready, *issuers]) if settings.by_gateway else []
        for exposure in args.exposures:
            expose(self, settings, exposure, context.namespace, after=[*ready, *issuers], gateway=gateway)
        if settings.tls.enabled and settings.tls.issuer:
            self._let_solvers_answer(settings)
        self.register_outputs({})

    def _let_solvers_answer(self, settings: IngressSettings) -> None:
        if peers := settings.controller_peers:
            NetworkPolicy(
                f"{self.module}-acme-solver",
                metadata=self.metadata(object_name("acme-solver")),
                spec=policy_port_spec(SOLVER_LABELS, peers, SOLVER_PORT),
                opts=self.child(),
            )
        if entities := settings.controller_entities:
            CustomResource(
                f"{self.module}-cilium-acme-solver",
                api_version=cilium.API,
                kind=cilium.KIND,
                metadata=self.metadata(object_name("cilium-acme-solver")),
                spec=cilium.entities_in_spec(SOLVER_LABELS, entities, SOLVER_PORT),
                opts=self.child(),
            )

    def _definitions(self, settings: IngressSettings, where: charts.ChartsSettings) -> list[pulumi.Resource]:
        """Gateway API's definitions, before everything that looks for them when it starts."""
        if not (settings.by_gateway and settings.gateway.install_definitions):
            return []
        values = {"crds": {"gatewayAPI": {"enabled": True, "channel": "standard"}, "envoyGateway": {"enabled": False}}}
        chart = charts.Chart("gateway-api", self.context.namespace, versions.GATEWAY_API_CHART, values)
        return [charts.install(self, chart, where)]

    def _controller(self, args: IngressArgs, after: Sequence[pulumi.Resource]) -> list[pulumi.Resource]:
        settings = args.settings
        release_namespace = settings.controller.release_namespace
        namespace = charts.chart_namespace(self, release_namespace)
        namespaces = (self.context.namespace, *dict.fromkeys(name for name, _ in args.elsewhere))
        rights = grant(self, settings, watched(settings, namespaces), [*namespace, *args.before])
        values = chart_values(settings, self.context.mirror, namespaces)
        chart = charts.Chart(CHART, release_namespace, versions.TRAEFIK_CHART, values)
        release = charts.install(self, chart, args.charts, depends_on=[*namespace, *rights, *after])
        if settings.speaks_traefik or not settings.by_ingress:
            return [release]
        # The chart makes only its own class.
        nginx = IngressClass(
            f"{self.module}-class-nginx",
            metadata={"name": NGINX, "labels": labels(self.module, self.context.instance)},
            spec={"controller": "k8s.io/ingress-nginx"},
            opts=self.clusterwide(),
        )
        return [release, nginx]

    def _issuers(
        self, settings: IngressSettings, where: charts.ChartsSettings, after: Sequence[pulumi.Resource]
    ) -> list[pulumi.Resource]:
        ready: list[pulumi.Resource] = []
        if settings.cert_manager.install:
            issuer_namespace = settings.cert_manager.namespace
            namespace = charts.chart_namespace(self, issuer_namespace)
            values = cert_manager_values(settings.cert_manager, self.context.mirror, gateways=settings.by_gateway)
            chart = charts.Chart("cert-manager", issuer_namespace, versions.CERT_MANAGER_CHART, values)
            ready.append(charts.install(self, chart, where, depends_on=[*namespace, *after]))
        if settings.cluster_issuer.create and settings.tls.issuer:
            ready.append(self._cluster_issuer(settings, settings.tls.issuer, ready))
        return ready

    def _cluster_issuer(
        self, settings: IngressSettings, issuer: str, after: Sequence[pulumi.Resource]
    ) -> pulumi.Resource:
        context = self.context
        pods = solver_pods(context.scheduling.placement(), context.chart_pull_secret)
        solver = routes.solver(settings, context.namespace, pods)
        return CustomResource(
            f"{self.module}-cluster-issuer",
            api_version="cert-manager.io/v1",
            kind="ClusterIssuer",
            metadata={"name": issuer, "labels": labels(self.module, context.instance)},
            spec=issuer_spec(settings.cluster_issuer, issuer, solver),
            # Not `clusterwide`: only the provider that installed the chart knows the kind at once.
            opts=self.child(depends_on=after),
        )

    def _gateway(self, args: IngressArgs, after: Sequence[pulumi.Resource]) -> list[pulumi.Resource]:
        """The Gateway, with a listener for every host, and the redirect."""
        settings, own_namespace = args.settings, self.context.namespace
        every = [*args.exposures, *(exposure for _, exposure in args.elsewhere)]
        namespaces = [own_namespace, *(namespace for namespace, _ in args.elsewhere)]
        if settings.controller.install:
            controller = {"controllerName": CONTROLLERS[settings.gateway.implementation]}
            name = settings.gateway.class_name
            metadata: ObjectMetaArgsDict = {"name": name, "labels": labels(self.module, self.context.instance)}
            after = [*after, self._object("gateway-class", "GatewayClass", metadata, controller, after)]
        metadata = self.metadata(NAME, routes.gateway_annotations(settings))
        gateway = self._object("gateway", "Gateway", metadata, routes.gateway_spec(settings, every, namespaces), after)
        if settings.tls.enabled and every:
            metadata = self.metadata(object_name("redirect"))
            self._object("route-redirect", "HTTPRoute", metadata, routes.redirect_spec(every, own_namespace), [gateway])
        return [gateway]

    def _object(
        self,
        part: str,
        kind: str,
        metadata: ObjectMetaArgsDict,
        spec: dict[str, Any],
        after: Sequence[pulumi.Resource],
    ) -> pulumi.Resource:
        """An object of Gateway API."""
        return CustomResource(
            f"{self.module}-{part}",
            api_version=routes.API_VERSION,
            kind=kind,
            metadata=metadata,
            spec=spec,
            opts=self.child(depends_on=after),
        )
