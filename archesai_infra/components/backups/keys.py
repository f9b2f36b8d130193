"""Keys of the backups' bucket and the password of what lies in it, as the Secrets that Velero and rclone read."""

from __future__ import annotations

import pulumi
from pulumi_kubernetes.core.v1 import Secret

from archesai_infra.components.backups.settings import BackupsSettings
from archesai_infra.components.base.component import Component, FilledSecret
from archesai_infra.components.base.external_secrets import Value
from archesai_infra.components.storage import StorageConnection
from archesai_infra.credentials import Credential, Credentials
from archesai_infra.kube.labels import labels
from archesai_infra.kube.names import object_name

CLOUD_SECRET = "cloud-credentials"
CLOUD_KEY = "cloud"
REPOSITORY_SECRET = "velero-repo-credentials"
REPOSITORY_KEY = "repository-password"
OBJECTS_SECRET = object_name("backups")
UNSAVED = {"velero.io/exclude-from-backup": "true"}
"""Label of what Velero leaves out of its backups."""
KEPT_RESOURCE = "backups-repository-kept"
KEPT_SECRET = object_name("backups-repository")
"""Copy of the repository's password in the stack's namespace, which outlives the stack as the backups do."""


_CLOUD_FILE = "[default]\naws_access_key_id = {}\naws_secret_access_key = {}\n"
_STORED = (Value.BACKUPS_ACCESS_KEY, Value.BACKUPS_SECRET_KEY)

Keys = tuple[pulumi.Output[str], pulumi.Output[str]]
"""Access key and secret key of the bucket."""


def bucket_keys(credentials: Credentials, own: StorageConnection | None) -> Keys | None:
    """The keys of the stack's configuration; those of its own storage where the backups lie in it.

    None for an existing Secret, and where a role takes their place.
    """
    access = credentials.get(Credential.BACKUPS_ACCESS_KEY)
    secret = credentials.get(Credential.BACKUPS_SECRET_KEY)
    if access is not None and secret is not None:
        return access, secret
    return own.keys if own is not None else None


def cloud_file(keys: Keys) -> pulumi.Output[str]:
    """An AWS credentials file."""

    def build(values: list[str]) -> str:
        return _CLOUD_FILE.format(*values)

    return pulumi.Output.secret(pulumi.Output.all(*keys)).apply(build)


def cloud_secret(
    component: Component,
    settings: BackupsSettings,
    metadata_name: str,
    namespace: str,
    keys: Keys | None,
    created_namespace: pulumi.Resource | None,
) -> Secret | FilledSecret | None:
    """The credentials file as a Secret of a namespace."""
    elsewhere = settings.existing_secret is not None or settings.velero.role_arn is not None
    if keys is None and not elsewhere and component.context.external:
        return component.external_secret(
            metadata_name,
            {CLOUD_KEY: _CLOUD_FILE.format(*(value.template for value in _STORED))},
            _STORED,
            part="keys",
            namespace=namespace,
            depends_on=[created_namespace] if created_namespace else [],
        )
    if keys is None:
        return None
    return Secret(
        f"{component.module}-keys",
        metadata={
            "name": metadata_name,
            "namespace": namespace,
            "labels": labels(component.module, component.context.instance),
        },
        type="Opaque",
        string_data={CLOUD_KEY: cloud_file(keys)},
        opts=component.child(depends_on=[created_namespace] if created_namespace else []),
    )


def repository_secret(
    component: Component, settings: BackupsSettings, credentials: Credentials, created_namespace: pulumi.Resource | None
) -> Secret | FilledSecret | None:
    """The password that the volumes' copies are encrypted with.

    It has to be there before the first backup: Velero would take a constant that everybody knows. It is not one of the
    objects that are taken over when they exist: a new password over the old one would lock all backups.

    A copy stays in the stack's namespace when the stack is destroyed. It is immutable: a later stack with another
    password stops there, before it makes a backup that none of the earlier ones can share a repository with.
    """
    if settings.velero.existing_repository_secret:
        return None
    if component.context.external:
        value = Value.BACKUPS_REPOSITORY_PASSWORD
        return component.external_secret(
            REPOSITORY_SECRET,
            {REPOSITORY_KEY: value.template},
            [value],
            part="repository",
            namespace=settings.velero.namespace,
            depends_on=[created_namespace] if created_namespace else [],
        )
    password = credentials.get(Credential.BACKUPS_REPOSITORY_PASSWORD) or component.generated(
        "repository-password", version=1
    )
    data = {REPOSITORY_KEY: pulumi.Output.secret(password)}
    metadata = component.metadata(KEPT_SECRET)
    # Backups leave it out: it would lie beside what it encrypts.
    metadata["labels"] = labels(component.module, component.context.instance) | UNSAVED
    kept = Secret(
        KEPT_RESOURCE,
        metadata=metadata,
        type="Opaque",
        immutable=True,
        string_data=data,
        opts=component.kept(),
    )
    return Secret(
        f"{component.module}-repository",
        metadata={
            "name": REPOSITORY_SECRET,
            "namespace": settings.velero.namespace,
            "labels": labels(component.module, component.context.instance),
        },
        type="Opaque",
        string_data=data,
        opts=component.guarded(depends_on=[kept, *([created_namespace] if created_namespace else [])]),
    )
