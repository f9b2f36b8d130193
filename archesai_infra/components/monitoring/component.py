"""The monitoring module: releases, exporters, and the stack's monitors, rules and dashboards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.core.v1 import ConfigMap, Secret
from pulumi_kubernetes.meta.v1 import ObjectMetaArgsDict

from archesai_infra.components.base.component import Component, Context
from archesai_infra.components.database import DatabaseConnection
from archesai_infra.components.monitoring import dashboards, prometheus_stack, rules, storage_metrics, targets
from archesai_infra.components.monitoring.exporters import DatabaseExporter, RedisExporter
from archesai_infra.components.monitoring.releases import Releases, ReleasesArgs
from archesai_infra.components.monitoring.rules.model import rule_group
from archesai_infra.components.monitoring.watched import Watched
from archesai_infra.components.redis import RedisConnection
from archesai_infra.kube.labels import labels
from archesai_infra.kube.names import object_name
from archesai_infra.kube.network import NamespacePods


@dataclass(frozen=True)
class MonitoringArgs:
    """What the component is built from."""

    watched: Watched
    releases: ReleasesArgs
    controller: NamespacePods | None
    """The ingress controller's pods, where they are known."""
    cert_manager_namespace: str
    database: DatabaseConnection | None
    redis: RedisConnection | None


class Monitoring(Component):
    """Everything that measures, shows and alerts; without it no other module changes."""

    def __init__(self, context: Context, args: MonitoringArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Monitoring", "monitoring", context, opts)
        settings = args.watched.settings
        ready: Sequence[pulumi.Resource] = ()
        if settings.installs:
            ready = (Releases(context, args.releases, pulumi.ResourceOptions(parent=self)),)
        self._exporters(args)
        storage = args.releases.storage_connection
        if args.watched.storage_metrics and storage is not None and storage.keys is not None:
            self._storage_token(storage.keys)
        self._monitors(args, ready)
        self._rules(args.watched, ready)
        self._dashboards(args.watched)
        self.register_outputs({})

    def _exporters(self, args: MonitoringArgs) -> None:
        settings, opts = args.watched.settings, pulumi.ResourceOptions(parent=self)
        if args.watched.database and args.database is not None:
            DatabaseExporter(self.context, settings.database_exporter, args.database, opts)
        if args.watched.redis and args.redis is not None:
            RedisExporter(self.context, settings.redis_exporter, args.redis, opts)

    def _storage_token(self, keys: tuple[pulumi.Output[str], pulumi.Output[str]]) -> None:
        # Made from the keys: another key makes another token, and the operator hands it on.
        made = pulumi.Output.all(*keys).apply(lambda values: storage_metrics.token(*values))
        Secret(
            f"{self.module}-storage-token",
            metadata=self.metadata(storage_metrics.TOKEN_SECRET),
            type="Opaque",
            string_data={storage_metrics.TOKEN_KEY: pulumi.Output.secret(made)},
            opts=self.child(),
        )

    def _monitors(self, args: MonitoringArgs, ready: Sequence[pulumi.Resource]) -> None:
        more_labels = args.watched.settings.labels
        kinds = {
            "ServiceMonitor": targets.service_monitors(args.watched, self.context.instance),
            "PodMonitor": targets.pod_monitors(args.watched, args.controller, args.cert_manager_namespace),
        }
        for kind, specs in kinds.items():
            for part, spec in specs.items():
                self._custom(kind, f"monitor-{part}", object_name(part), more_labels, spec, ready)

    def _rules(self, watched: Watched, ready: Sequence[pulumi.Resource]) -> None:
        settings = watched.settings
        groups = [rule_group(group, settings.alerts.runbooks) for group in rules.groups(watched)]
        self._custom("PrometheusRule", "rules", object_name("rules"), settings.labels, {"groups": groups}, ready)

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

    def _dashboards(self, watched: Watched) -> None:
        context = self.context
        for dashboard in dashboards.dashboards(watched):
            marks = {prometheus_stack.DASHBOARD_LABEL: "1"} | watched.settings.labels
            name = object_name(f"dashboard-{dashboard.key}")
            ConfigMap(
                f"{self.module}-dashboard-{dashboard.key}",
                metadata=self._labelled(name, marks, {prometheus_stack.FOLDER_ANNOTATION: "Arches"}),
                data={f"{dashboard.key}.json": dashboards.file(dashboard, context.instance, context.namespace)},
                opts=self.child(),
            )

    def _labelled(
        self, name: str, more_labels: Mapping[str, str], annotations: Mapping[str, str] | None = None
    ) -> ObjectMetaArgsDict:
        metadata = self.metadata(name, annotations)
        metadata["labels"] = labels(self.module, self.context.instance) | dict(more_labels)
        return metadata
