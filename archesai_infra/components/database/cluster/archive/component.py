"""What a stack declares of the archive: the plugin, the store with its keys, and base backups."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource

from archesai_infra import versions
from archesai_infra.components.base.charts import ChartsSettings
from archesai_infra.components.base.component import Component, secret_name
from archesai_infra.components.base.context import Context
from archesai_infra.components.base.external_secrets import Value
from archesai_infra.components.database.access import CLUSTER_SUPERUSER
from archesai_infra.components.database.cluster.archive import objects, plugin
from archesai_infra.components.database.cluster.archive.objects import (
    ACCESS_KEY,
    API,
    SECRET,
    SECRET_KEY,
    STORE,
    Bucket,
    archive_name,
    schedule_spec,
    store_spec,
)
from archesai_infra.components.database.cluster.settings import ClusterSettings
from archesai_infra.components.database.connection import ArchiveConnection
from archesai_infra.credentials import Credential, Credentials
from archesai_infra.kube.pods import SecretKey
from archesai_infra.quantities import mebibytes, memory_bytes


def archive(
    component: Component,
    settings: ClusterSettings,
    bucket: Bucket,
    keys: pulumi.Input[str] | None,
    charts: ChartsSettings,
    after: Sequence[pulumi.Resource],
) -> list[pulumi.Resource]:
    """The plugin, and the ObjectStore with the Secret of its keys where the stack has them."""
    before = list(after)
    own = settings.archive
    if own.plugin == "install":
        before.append(plugin.install(component, settings, charts, after))
    store = CustomResource(
        f"{component.module}-archive",
        api_version=API,
        kind="ObjectStore",
        metadata=component.metadata(STORE),
        spec=store_spec(own, bucket, keys),
        opts=component.child(depends_on=before),
    )
    return [*before[len(after) :], store]


def keys_secret(component: Component, settings: ClusterSettings, credentials: Credentials) -> pulumi.Input[str] | None:
    """Name of the Secret with the bucket's keys; None where a role takes their place."""
    own = settings.archive
    return None if own.role_arn else own.existing_secret or _secret(component, credentials)


def connection(
    settings: ClusterSettings, bucket: Bucket, keys: pulumi.Input[str] | None, context: Context
) -> ArchiveConnection:
    """What reads the archive of the cluster that serves."""
    volumes = [settings.storage, *([settings.wal_storage] if settings.wal_storage else [])]
    variables = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
    return ArchiveConnection(
        destination=bucket.destination,
        name=archive_name(settings),
        endpoint=bucket.endpoint,
        keys={} if keys is None else {name: SecretKey(keys, key) for name, key in variables.items()},
        role=objects.role(settings.archive),
        environment=objects.variables(bucket),
        server_image=context.image(settings.image, versions.POSTGRES),
        barman_image=context.image(settings.archive.sidecar_image, versions.BARMAN_SIDECAR),
        resources=settings.archive.resources,
        administrator=CLUSTER_SUPERUSER,
        size=mebibytes(sum(memory_bytes(volume.size) for volume in volumes)),
    )


def _secret(component: Component, credentials: Credentials) -> pulumi.Input[str]:
    if component.context.external is not None:
        values = {ACCESS_KEY: Value.BACKUPS_ACCESS_KEY, SECRET_KEY: Value.BACKUPS_SECRET_KEY}
        templates = {key: value.template for key, value in values.items()}
        return component.external_secret(SECRET, templates, list(values.values()), part="archive-keys").name
    keys = {ACCESS_KEY: Credential.BACKUPS_ACCESS_KEY, SECRET_KEY: Credential.BACKUPS_SECRET_KEY}
    data = {key: credentials.values[credential] for key, credential in keys.items()}
    return secret_name(component.secret(SECRET, data, part="archive-keys"))


def base_backups(component: Component, settings: ClusterSettings, made: Sequence[pulumi.Resource]) -> None:
    """Base backups of each cluster, which nothing is recovered without."""
    for cluster, resource in zip(settings.all, made, strict=True):
        CustomResource(
            f"{component.module}-base-backups-{cluster.generation}",
            api_version="postgresql.cnpg.io/v1",
            kind="ScheduledBackup",
            metadata=component.metadata(cluster.name),
            spec=schedule_spec(cluster),
            opts=component.child(depends_on=[resource]),
        )
