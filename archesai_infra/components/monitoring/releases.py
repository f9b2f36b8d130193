"""The namespace of Prometheus, Grafana and Loki: what is installed there, and who may reach it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.core.v1 import Secret
from pulumi_kubernetes.helm.v3 import Release

from archesai_infra import versions
from archesai_infra.components import storage
from archesai_infra.components.base import charts
from archesai_infra.components.base.component import Component
from archesai_infra.components.base.context import Context
from archesai_infra.components.base.external_secrets import Value
from archesai_infra.components.ingress.expose import expose, middlewares
from archesai_infra.components.ingress.exposure import Exposure
from archesai_infra.components.ingress.settings import IngressSettings
from archesai_infra.components.monitoring import alertmanager, alloy, grafana, loki, prometheus, rights
from archesai_infra.components.monitoring.settings import MonitoringSettings
from archesai_infra.components.storage import ExternalStorage, ManagedStorage, StorageConnection, users
from archesai_infra.credentials import Credential, Credentials
from archesai_infra.kube.names import content_name

CRDS_RELEASE = "prometheus-operator-crds"


@dataclass(frozen=True)
class ReleasesArgs:
    """What the releases are built from."""

    settings: MonitoringSettings
    credentials: Credentials
    charts: charts.ChartsSettings
    ingress: IngressSettings
    monitored: tuple[str, ...]
    """Namespaces whose monitors and rules count."""
    dashboards: Mapping[str, str]
    """Name of each dashboard's ConfigMap, in the monitoring's namespace, by the dashboard's key."""
    grafana: Exposure | None
    """Grafana's host, if it has one."""
    grafana_url: str | None
    storage: ManagedStorage | ExternalStorage
    storage_connection: StorageConnection | None
    secrets: tuple[str, ...]
    """Secrets of the stack's namespace that monitors name."""


class Releases(Component):
    """The releases, their Secrets, and Grafana's way in; done when monitors and rules can be created."""

    def __init__(self, context: Context, args: ReleasesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("MonitoringHome", "monitoring-home", context, opts)
        namespaces: list[pulumi.Resource] = charts.chart_namespace(self, args.settings.namespace, holds_data=True)
        if args.settings.metrics.nodes:
            # It needs the host's network, processes and file systems.
            namespaces += charts.chart_namespace(self, prometheus.NODE_NAMESPACE, "privileged")
        self._namespace = args.settings.namespace
        self.namespaces = tuple(namespaces)
        self._after = namespaces
        self._args = args
        stack = self._stack = self._prometheus(args)
        self._loki(args, stack)
        self._alloy(args, stack)
        self.register_outputs({})

    def _secret(self, name: str, data: Mapping[str, pulumi.Input[str]]) -> Secret:
        return Secret(
            f"{self.module}-{name}",
            metadata=self.metadata(name, namespace=self._namespace),
            type="Opaque",
            string_data={key: pulumi.Output.secret(value) for key, value in data.items()},
            opts=self.child(depends_on=self._after),
        )

    def _stored(self, name: str, data: Mapping[str, str], *values: Value) -> pulumi.Resource:
        """The same from the stack's store."""
        return self.external_secret(
            name, data, values, part=name, namespace=self._namespace, depends_on=self._after
        ).resource

    def _install(
        self,
        args: ReleasesArgs,
        release: str,
        version: versions.ChartVersion,
        values: Mapping[str, object],
        after: Sequence[pulumi.Resource],
    ) -> Release:
        chart = charts.Chart(release, self._namespace, version, values)
        return charts.install(self, chart, args.charts, depends_on=[*self._after, *after])

    def _prometheus(self, args: ReleasesArgs) -> Release:
        settings = args.settings
        # Monitors of other namespaces must not go with the definitions.
        kept = {"crds": {"annotations": {"helm.sh/resource-policy": "keep"}}}
        crds = self._install(args, CRDS_RELEASE, versions.PROMETHEUS_CRDS_CHART, kept, [])
        secrets: list[pulumi.Resource] = []
        login: pulumi.Output[str] | None = None
        if settings.grafana.existing_secret is None and self.context.external:
            value = Value.GRAFANA_ADMIN_PASSWORD
            secrets.append(
                self._stored(grafana.SECRET, {"admin-user": "admin", grafana.PASSWORD_KEY: value.template}, value)
            )
        elif settings.grafana.existing_secret is None:
            password = args.credentials.get(Credential.GRAFANA_ADMIN_PASSWORD) or self.generated(
                "grafana-password", version=settings.grafana.password_version
            )
            admin = {"admin-user": "admin", grafana.PASSWORD_KEY: password}
            secrets.append(self._secret(grafana.SECRET, admin))
            login = self.context.fingerprint([password])
        stored = self.context.external.settings.alerts if self.context.external else ()
        if settings.alerts.existing_secret is None and stored:
            values = [Value(name) for name in stored]
            data = {alertmanager.CONFIG_KEY: alertmanager.template(settings.alerts, values)}
            secrets.append(self._stored(prometheus.ALERTMANAGER_SECRET, data, *values))
        elif settings.alerts.existing_secret is None:
            document = alertmanager.document(settings.alerts, args.credentials)
            secrets.append(self._secret(prometheus.ALERTMANAGER_SECRET, {alertmanager.CONFIG_KEY: document}))
        grafana_args = grafana.GrafanaArgs(
            self._namespace,
            args.dashboards,
            login,
            keep=self.context.retain,
            url=args.grafana_url,
            loki_url=loki.url(self._namespace),
        )
        inner = grafana.values(settings.grafana, grafana_args)
        values = prometheus.values(settings, inner, args.monitored, self.context.mirror)
        allowed = rights.grant(self, self._namespace, args.secrets, self._after)
        return self._install(args, prometheus.RELEASE, versions.PROMETHEUS_CHART, values, [crds, *secrets, *allowed])

    def _loki(self, args: ReleasesArgs, stack: Release) -> None:
        bucket, after = self._bucket(args) if args.settings.logs_in_object_storage else (None, [])
        values = loki.values(args.settings.logs, bucket, self.context.mirror)
        self._install(args, loki.RELEASE, versions.LOKI_CHART, values, [stack, *after])

    def _bucket(self, args: ReleasesArgs) -> tuple[loki.Bucket | None, list[pulumi.Resource]]:
        connection, logs = args.storage_connection, args.settings.logs
        if connection is None:
            return None, []
        after = list(connection.ready)
        if logs.existing_secret is None and self.context.external and isinstance(args.storage, ManagedStorage):
            value = Value.STORAGE_LOGS
            keys = {storage.ACCESS_KEY: users.PREFIX + users.LOGS, storage.SECRET_KEY: value.template}
            after.append(self._stored(loki.KEYS_SECRET, keys, value))
        elif logs.existing_secret is None:
            # The rules let no logs into external object storage whose keys the stack does not know.
            access, secret = connection.keys or ("", "")
            keys = {storage.ACCESS_KEY: access, storage.SECRET_KEY: secret}
            after.append(self._secret(loki.KEYS_SECRET, keys))
        url = connection.url
        if isinstance(args.storage, storage.ManagedStorage):
            # Loki lives in another namespace than the storage's short name.
            url = f"http://{storage.NAME}.{self.context.namespace}.svc:{storage.PORT}"
        secret_name = logs.existing_secret or loki.KEYS_SECRET
        return loki.Bucket(url, connection.region, logs.bucket, secret_name), after

    def _alloy(self, args: ReleasesArgs, stack: Release) -> None:
        data = {alloy.CONFIG_KEY: alloy.configuration(self.context.namespace, loki.url(self._namespace))}
        # Named by its content: another configuration is another pod.
        name = content_name("alloy-config", data)
        config = self.config_map("alloy-config", data, namespace=self._namespace, depends_on=self._after)
        values = alloy.values(self.context.namespace, name, self.context.mirror)
        self._install(args, alloy.RELEASE, versions.ALLOY_CHART, values, [stack, config])

    def expose_grafana(self, after: Sequence[pulumi.Resource]) -> None:
        """Give Grafana its host, where it has one, after what brings the kinds and classes of a host."""
        args = self._args
        if args.grafana is None:
            return
        if args.ingress.uses_middlewares:
            # Once more: an Ingress should not depend on objects of another namespace.
            middlewares(self, args.ingress, ["grafana"], self._namespace, [*self._after, *after])
        ready = [self._stack, *after]
        expose(self, args.ingress, args.grafana, self._namespace, after=ready, gateway=ready)
