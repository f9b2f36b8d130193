"""The module backups: Velero, its Schedules, the dump pod, the objects' copy and the drill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource

from archesai_infra import versions
from archesai_infra.components.backups import archive_drill as archive_drills
from archesai_infra.components.backups import drill as drills
from archesai_infra.components.backups import keys as access
from archesai_infra.components.backups import objects as copies
from archesai_infra.components.backups import rights, schedules, velero
from archesai_infra.components.backups.dump import DumpSources, dump_pod, tools_image
from archesai_infra.components.backups.settings import BackupsSettings
from archesai_infra.components.base import charts
from archesai_infra.components.base.component import FilledSecret
from archesai_infra.components.base.context import Context
from archesai_infra.components.base.pods import RunningComponent
from archesai_infra.components.base.watch.alerts import Alert, Group, rule_group
from archesai_infra.components.database import ArchiveConnection
from archesai_infra.components.storage import StorageConnection
from archesai_infra.credentials import Credentials
from archesai_infra.kube.labels import labels
from archesai_infra.kube.names import content_name, object_name


@dataclass(frozen=True)
class BackupsArgs:
    """What the component is built from."""

    settings: BackupsSettings
    credentials: Credentials
    dump: DumpSources
    drill_size: str | None
    """Size of the drill's volume; None where no drill runs."""
    drilled_archive: ArchiveConnection | None
    """The archive of the database's log that the drill recovers from; None where it does not."""
    objects: StorageConnection | None
    """The object storage to copy; None where there is nothing to copy."""
    own_storage: StorageConnection | None
    """The stack's own object storage where the backups lie in it."""
    charts: charts.ChartsSettings
    alerts: tuple[Alert, ...]
    """Rules that Prometheus watches; none where there is no monitoring."""
    monitor_labels: Mapping[str, str] | None
    """More labels of the objects that Prometheus selects; None where there is no monitoring."""
    runbooks: str
    """Page with the runbooks of the alerts."""
    operators: tuple[str, ...]
    """Operators whose volumes have a backup of their own, by the name that they label them with."""


class Backups(RunningComponent):
    """Everything that makes backups."""

    def __init__(self, context: Context, args: BackupsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Backups", "backups", context, opts)
        settings = args.settings
        keys = access.bucket_keys(args.credentials, args.own_storage)
        ready = rights.grant_namespace(self, settings)
        if settings.velero.install:
            ready += self._velero(args, keys, ready)
        modules = tuple(
            module for module, on in (("database", args.dump.database), ("redis", args.dump.redis)) if on is not None
        )
        if modules:
            ready.append(dump_pod(self, settings, args.dump))
        self._schedules(settings, modules, args.operators, ready)
        if args.alerts:
            self._rules(args)
        inner = self.child()
        if args.objects:
            copies.Objects(context, copies.ObjectsArgs(settings, args.objects, keys), inner)
        if args.drill_size and "database" in modules:
            image = tools_image(settings.dump.image, args.dump.database_image)
            drill_args = drills.DrillArgs(settings, image, args.dump.database_version, args.drill_size)
            drills.Drill(context, drill_args, self.child(depends_on=ready))
        if args.drilled_archive and args.dump.database:
            archive_args = archive_drills.ArchiveDrillArgs(settings, args.dump.database, args.drilled_archive)
            archive_drills.ArchiveDrill(context, archive_args, self.child(depends_on=ready))
        self.register_outputs({})

    def _velero(
        self, args: BackupsArgs, keys: access.Keys | None, allowed: Sequence[pulumi.Resource]
    ) -> list[pulumi.Resource]:
        settings = args.settings
        velero_namespace = settings.velero.namespace
        # The node agent and what copies volumes mount the kubelet's directory as root.
        namespace = charts.chart_namespace(self, velero_namespace, level="privileged")
        secrets = [
            access.cloud_secret(self, settings, access.CLOUD_SECRET, velero_namespace, keys, namespace[0]),
            access.repository_secret(self, settings, args.credentials, namespace[0]),
        ]
        made = [secret.resource if isinstance(secret, FilledSecret) else secret for secret in secrets if secret]
        # Its server and its agents end where they may not read what they look at.
        before = [*namespace, *made, *allowed, *rights.grant_cluster(self, settings, namespace)]
        values = velero.values(
            settings,
            self.context.registry,
            monitor_labels=args.monitor_labels,
            pull_policy=self.context.pull_policy,
            scheduling=self.context.scheduling,
        )
        chart = charts.Chart(velero.RELEASE, velero_namespace, versions.VELERO_CHART, values)
        return [charts.install(self, chart, args.charts, depends_on=before)]

    def _rules(self, args: BackupsArgs) -> None:

        page = args.runbooks.rpartition("/")[0] + "/backup-restore.md"
        metadata = self.metadata(f"{object_name(self.module)}-rules")
        metadata["labels"] = {**(args.monitor_labels or {}), **labels(self.module, self.context.instance)}
        CustomResource(
            f"{self.module}-rules",
            api_version="monitoring.coreos.com/v1",
            kind="PrometheusRule",
            metadata=metadata,
            spec={"groups": [rule_group(Group("archesai-backups", args.alerts), page)]},
            opts=self.child(),
        )

    def _schedules(
        self,
        settings: BackupsSettings,
        modules: Sequence[str],
        operators: Sequence[str],
        ready: Sequence[pulumi.Resource],
    ) -> None:

        context = self.context
        velero_namespace = settings.velero.namespace
        text = schedules.resource_policy(snapshots=settings.snapshots.enabled, operators=operators)
        policy_name = content_name(f"{context.instance}-volumes", text)
        policy = self.config_map(
            "volume-policy",
            {schedules.POLICY_KEY: text},
            name=policy_name,
            namespace=velero_namespace,
            depends_on=ready,
        )
        for kind, (name, schedule) in schedules.names(context.instance, settings).items():
            CustomResource(
                f"{self.module}-schedule-{kind}",
                api_version="velero.io/v1",
                kind="Schedule",
                metadata={"name": name, "namespace": velero_namespace, "labels": labels(self.module, context.instance)},
                spec=schedules.schedule_spec(
                    context.instance,
                    context.namespace,
                    settings,
                    schedule,
                    policy_name,
                    modules,
                ),
                # The Schedules' first backup runs at once: after everything it calls is there.
                opts=self.child(depends_on=[*ready, policy]),
            )
