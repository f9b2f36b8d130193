"""The way in: an Ingress for each host, certificates, and optionally the controller and cert-manager."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.networking.v1 import Ingress as KubernetesIngress
from pulumi_kubernetes.networking.v1 import IngressClass, NetworkPolicy

from archesai_infra import versions
from archesai_infra.components.base import charts
from archesai_infra.components.base.component import SKIP_AWAIT, Component, Context
from archesai_infra.components.ingress import traefik
from archesai_infra.components.ingress.certificates import (
    SOLVER_LABELS,
    SOLVER_PORT,
    cert_manager_values,
    issuer_spec,
)
from archesai_infra.components.ingress.chart import chart_values
from archesai_infra.components.ingress.exposure import Exposure, ingress_annotations, ingress_spec
from archesai_infra.components.ingress.settings import IngressSettings
from archesai_infra.kube.labels import labels
from archesai_infra.kube.names import object_name
from archesai_infra.kube.network import policy_port_spec


@dataclass(frozen=True)
class IngressArgs:
    """What the component is built from."""

    settings: IngressSettings
    exposures: tuple[Exposure, ...]
    charts: charts.ChartsSettings


class Ingress(Component):
    """Ingresses for the modules that have a host, and what serves them."""

    def __init__(self, context: Context, args: IngressArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Ingress", "ingress", context, opts)
        settings = args.settings
        ready: list[pulumi.Resource] = []
        if settings.controller.install:
            ready += self._controller(settings, args.charts)
        issuers = self._issuers(settings, args.charts)
        if settings.speaks_traefik or settings.controller.install:
            ready += self._middlewares(settings, ready)
        for exposure in args.exposures:
            KubernetesIngress(
                f"{self.module}-{exposure.module}",
                metadata=self.metadata(
                    object_name(exposure.module),
                    SKIP_AWAIT | ingress_annotations(settings, context.namespace, exposure.module),
                ),
                spec=ingress_spec(settings, exposure),
                opts=self.child(depends_on=[*ready, *issuers]),
            )
        if settings.tls.enabled and settings.tls.issuer:
            NetworkPolicy(
                f"{self.module}-acme-solver",
                metadata=self.metadata(object_name("acme-solver")),
                spec=policy_port_spec(SOLVER_LABELS, settings.controller_peers, SOLVER_PORT),
                opts=self.child(),
            )
        self.register_outputs({})

    def _controller(self, settings: IngressSettings, where: charts.ChartsSettings) -> list[pulumi.Resource]:
        home = settings.controller.home
        namespace = charts.chart_namespace(self, home)
        values = chart_values(settings, self.context.mirror, self.context.namespace)
        chart = charts.Chart("traefik", home, versions.TRAEFIK_CHART, values)
        release = charts.install(self, chart, where, depends_on=namespace)
        if settings.speaks_traefik:
            return [release]
        # The chart makes only its own class.
        nginx = IngressClass(
            f"{self.module}-class-nginx",
            metadata={"name": "nginx", "labels": labels(self.module, self.context.instance)},
            spec={"controller": "k8s.io/ingress-nginx"},
            opts=self.clusterwide(),
        )
        return [release, nginx]

    def _issuers(self, settings: IngressSettings, where: charts.ChartsSettings) -> list[pulumi.Resource]:
        ready: list[pulumi.Resource] = []
        if settings.cert_manager.install:
            home = settings.cert_manager.namespace
            namespace = charts.chart_namespace(self, home)
            values = cert_manager_values(settings.cert_manager, self.context.mirror)
            chart = charts.Chart("cert-manager", home, versions.CERT_MANAGER_CHART, values)
            ready.append(charts.install(self, chart, where, depends_on=namespace))
        if settings.cluster_issuer.create and settings.tls.issuer:
            ready.append(self._cluster_issuer(settings, settings.tls.issuer, ready))
        return ready

    def _cluster_issuer(
        self, settings: IngressSettings, issuer: str, after: Sequence[pulumi.Resource]
    ) -> pulumi.Resource:
        return CustomResource(
            f"{self.module}-cluster-issuer",
            api_version="cert-manager.io/v1",
            kind="ClusterIssuer",
            metadata={"name": issuer, "labels": labels(self.module, self.context.instance)},
            spec=issuer_spec(settings.cluster_issuer, issuer, {"ingress": {"ingressClassName": settings.class_name}}),
            # Not `clusterwide`: only the provider that installed the chart knows the kind at once.
            opts=self.child(depends_on=after),
        )

    def _middlewares(self, settings: IngressSettings, after: Sequence[pulumi.Resource]) -> list[pulumi.Resource]:

        return [
            CustomResource(
                f"{self.module}-{part}",
                api_version="traefik.io/v1alpha1",
                kind="Middleware",
                metadata=self.metadata(object_name(part)),
                spec=spec,
                opts=self.child(depends_on=after),
            )
            for part, spec in traefik.middlewares(settings).items()
            if settings.speaks_traefik or part == traefik.HEADERS
        ]
