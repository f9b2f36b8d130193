"""The archive of the database's cluster, in the bucket of the backups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from archesai_infra.components.database.cluster.archive.objects import Bucket
from archesai_infra.credentials import Credential
from archesai_infra.stack.backups import in_own_storage
from archesai_infra.stack.settings import Settings

_KEY = "database.cluster.archive"
_PATH = "postgres"
_KEYS = (Credential.BACKUPS_ACCESS_KEY, Credential.BACKUPS_SECRET_KEY)


def bucket(settings: Settings) -> Bucket | None:
    """Where the archive lies; None where there is none."""
    cluster, backups = settings.database_cluster, settings.backups
    if cluster is None or not cluster.archive.enabled:
        return None
    return Bucket(f"s3://{backups.bucket}/{backups.path(_PATH)}/", backups.region, backups.endpoint)


def requirements(settings: Settings, given: Mapping[Credential, object]) -> Iterator[str]:
    """What the archive lacks, each as `key: problem and cure`."""
    cluster = settings.database_cluster
    if cluster is None:
        return
    archive = cluster.archive
    if not archive.enabled:
        if settings.production and not archive.accept_loss:
            yield (
                f"{_KEY}.enabled: production needs an archive, or what was written since the newest dump is lost with "
                f"the volumes: set it to true, or accept that with {_KEY}.acceptLoss"
            )
        return
    if not settings.backups.enabled:
        yield f"{_KEY}.enabled: needs the bucket of module backups, which is off: set backups.enabled to true"
    elif in_own_storage(settings):
        yield f"{_KEY}.enabled: backups.endpoint is this stack's own object storage: name a service elsewhere"
    elif archive.existing_secret is None and archive.role_arn is None and not all(key in given for key in _KEYS):
        yield (
            f"{_KEY}.existingSecret: the archive needs keys: name a Secret with ACCESS_KEY and SECRET_KEY, "
            f"set {_KEY}.roleArn, or arches config set backupsAccessKey and backupsSecretKey"
        )
