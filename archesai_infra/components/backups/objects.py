"""The copy of the object storage's bucket, by a CronJob: file copies of a live store are no backup."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi

from archesai_infra import versions
from archesai_infra.components.backups import scripts
from archesai_infra.components.backups.cron import Script, cron_job
from archesai_infra.components.backups.keys import CLOUD_KEY, OBJECTS_SECRET, Keys, cloud_secret
from archesai_infra.components.backups.settings import BackupsSettings
from archesai_infra.components.base.component import secret_name
from archesai_infra.components.base.context import Context
from archesai_infra.components.base.pods import RunningComponent
from archesai_infra.components.storage import StorageConnection, users
from archesai_infra.kube.names import object_name
from archesai_infra.kube.pods import SecretKey
from archesai_infra.kube.volumes import Mount, secret_files

MODULE = "backups-objects"
NAME = object_name(MODULE)
SECRETS_PATH = "/run/secrets/archesai"


@dataclass(frozen=True)
class ObjectsArgs:
    """What the component is built from."""

    settings: BackupsSettings
    source: StorageConnection
    keys: Keys | None


class Objects(RunningComponent):
    """The copy and the Secret it is written with."""

    def __init__(self, context: Context, args: ObjectsArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("BackupsObjects", MODULE, context, opts)
        settings = args.settings.objects
        script = Script(
            "objects",
            scripts.objects_files(),
            context.image(settings.image, versions.RCLONE),
            settings.resources,
            plain_environment(args.settings, args.source),
            self._keys(args),
            _secret_environment(args.source),
            arguments=["backup"],
            tmp="768Mi",
            annotations={"archesai.com/copies": args.source.bucket},
        )
        cron_job(self, NAME, script, cron=settings.cron, timeout=settings.timeout)
        self.register_outputs({})

    def _keys(self, args: ObjectsArgs) -> list[Mount]:
        """The bucket's keys; none where a role takes their place."""
        if args.settings.velero.role_arn:
            return []
        made = cloud_secret(self, args.settings, OBJECTS_SECRET, self.context.namespace, args.keys, None)
        secret = secret_name(made or args.settings.existing_secret or OBJECTS_SECRET)
        return [secret_files("keys", SECRETS_PATH, secret, [CLOUD_KEY])]


def plain_environment(settings: BackupsSettings, source: StorageConnection) -> dict[str, str]:
    """The two ends of the copy, as rclone reads them."""
    target = {
        "TYPE": "s3",
        "PROVIDER": "Other" if settings.endpoint else "AWS",
        "REGION": settings.region,
        "ENV_AUTH": "true",
        # The bucket exists; a key that may only write into it must suffice.
        "NO_CHECK_BUCKET": "true",
    } | ({"ENDPOINT": settings.endpoint} if settings.endpoint else {})
    origin = {
        "TYPE": "s3",
        "PROVIDER": "Other",
        "REGION": source.region,
        "ENDPOINT": source.url,
    }
    return {
        # A directory of more objects is sorted on disk: 1 kB of memory for each of these on either side.
        "RCLONE_LIST_CUTOFF": "100000",
        "SOURCE": f"source:{source.bucket}",
        "TARGET": f"target:{settings.bucket}/{settings.path('objects')}",
        "KEEP_DAYS": str(settings.objects.keep_days),
        "RCLONE_CONFIG": "/tmp/rclone.conf",
        "AWS_SHARED_CREDENTIALS_FILE": f"{SECRETS_PATH}/{CLOUD_KEY}",
        **{f"RCLONE_CONFIG_TARGET_{key}": value for key, value in target.items()},
        **{f"RCLONE_CONFIG_SOURCE_{key}": value for key, value in origin.items()},
    }


def restoring(job: dict[str, Any], writer: str) -> dict[str, Any]:
    """The spec of a Job that brings a copy back, from the CronJob's template, whose user only reads the bucket.

    `writer` is the Secret with the keys that write in its place; a storage outside of the stack has one pair for both.
    """
    (copier,) = job["template"]["spec"]["containers"]
    copier["args"] = ["restore"]
    for variable in copier["env"]:
        reference = variable.get("valueFrom", {}).get("secretKeyRef", {})
        if reference.get("name") == users.secret(users.OBJECTS):
            reference["name"] = writer
    return job


def _secret_environment(source: StorageConnection) -> dict[str, SecretKey]:
    return {
        "RCLONE_CONFIG_SOURCE_ACCESS_KEY_ID": source.access_key,
        "RCLONE_CONFIG_SOURCE_SECRET_ACCESS_KEY": source.secret_key,
    }
