"""The monitoring module: its releases, and the monitors, rules, dashboards and exporters of the whole stack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.core.v1 import ConfigMap, Secret
from pulumi_kubernetes.meta.v1 import ObjectMetaArgsDict

from archesai_infra.components.base.component import Component
from archesai_infra.components.base.context import Context
from archesai_infra.components.base.watch.alerts import rule_group
from archesai_infra.components.base.watch.exporter import ExporterPod
from archesai_infra.components.base.watch.model import MetricsSecret, Watch
from archesai_infra.components.base.watch.panels import Dashboard, dashboard_file
from archesai_infra.components.monitoring import grafana
from archesai_infra.components.monitoring.releases import Releases, ReleasesArgs
from archesai_infra.components.monitoring.settings import MonitoringSettings
from archesai_infra.kube.labels import labels
from archesai_infra.kube.names import object_name


@dataclass(frozen=True)
class MonitoringArgs:
    """What the component is built from."""

    settings: MonitoringSettings
    releases: ReleasesArgs
    watches: tuple[Watch, ...]
    """What each component of the stack brings, in the order of the rules."""


class Monitoring(Component):
    """Everything that measures, shows and alerts; without it no other module changes."""

    def __init__(self, context: Context, args: MonitoringArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Monitoring", "monitoring", context, opts)
        ready: Sequence[pulumi.Resource] = ()
        self.namespaces: tuple[pulumi.Resource, ...] = ()
        self._releases: Releases | None = None
        if args.settings.installs:
            self._releases = Releases(context, args.releases, pulumi.ResourceOptions(parent=self))
            ready, self.namespaces = (self._releases,), self._releases.namespaces
        for watch in args.watches:
            self._servers(watch)
            self._monitors(watch, args.settings.labels, ready)
        self._rules(args, ready)
        self._dashboards(args)
        self.register_outputs({})

    def expose(self, after: Sequence[pulumi.Resource]) -> None:
        """Give Grafana its host, after the component of the way in."""
        if self._releases is not None:
            self._releases.expose_grafana(after)

    def _servers(self, watch: Watch) -> None:
        """Exporters, and the Secrets with which Prometheus reads what has no exporter."""
        for exporter in watch.exporters:
            ExporterPod(self.context, exporter, pulumi.ResourceOptions(parent=self))
        for secret in watch.secrets:
            self._secret(secret)

    def _secret(self, secret: MetricsSecret) -> None:
        Secret(
            f"{self.module}-{secret.part}",
            metadata=self.metadata(secret.name),
            type="Opaque",
            string_data={key: pulumi.Output.secret(value) for key, value in secret.data.items()},
            opts=self.child(),
        )

    def _monitors(self, watch: Watch, more_labels: Mapping[str, str], ready: Sequence[pulumi.Resource]) -> None:
        kinds = {"ServiceMonitor": watch.service_monitors, "PodMonitor": watch.pod_monitors}
        for kind, specs in kinds.items():
            for component, spec in specs.items():
                self._custom(kind, f"monitor-{component}", object_name(component), more_labels, spec, ready)

    def _rules(self, args: MonitoringArgs, ready: Sequence[pulumi.Resource]) -> None:
        page = args.settings.alerts.runbooks
        groups = [rule_group(group, page) for watch in args.watches for group in watch.groups]
        self._custom("PrometheusRule", "rules", object_name("rules"), args.settings.labels, {"groups": groups}, ready)

    def _custom(
        self,
        kind: str,
        part: str,
        name: str,
        more_labels: Mapping[str, str],
        spec: dict[str, Any],
        ready: Sequence[pulumi.Resource],
    ) -> None:
        CustomResource(
            f"{self.module}-{part}",
            api_version="monitoring.coreos.com/v1",
            kind=kind,
            metadata=self._labelled(name, more_labels),
            spec=spec,
            opts=self.child(depends_on=ready),
        )

    def _dashboards(self, args: MonitoringArgs) -> None:
        """A ConfigMap each: beside our Grafana, which mounts it, else where the sidecar of an existing one looks."""
        context = self.context
        marks = {grafana.DASHBOARD_LABEL: "1"} | args.settings.labels
        for dashboard in (dashboard for watch in args.watches for dashboard in watch.dashboards):
            name = dashboard_name(dashboard)
            metadata = self._labelled(name, marks, {grafana.FOLDER_ANNOTATION: grafana.FOLDER})
            if args.settings.installs:
                metadata["namespace"] = args.settings.namespace
            ConfigMap(
                f"{self.module}-dashboard-{dashboard.key}",
                metadata=metadata,
                data={f"{dashboard.key}.json": dashboard_file(dashboard, context.instance, context.namespace)},
                opts=self.child(depends_on=self.namespaces),
            )

    def _labelled(
        self, name: str, more_labels: Mapping[str, str], annotations: Mapping[str, str] | None = None
    ) -> ObjectMetaArgsDict:
        metadata = self.metadata(name, annotations)
        metadata["labels"] = labels(self.module, self.context.instance) | dict(more_labels)
        return metadata


def dashboard_name(dashboard: Dashboard) -> str:
    """Name of the ConfigMap with a dashboard."""
    return object_name(f"dashboard-{dashboard.key}")
