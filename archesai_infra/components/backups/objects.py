"""The copy of the object storage's bucket, by a CronJob: file copies of a live store are no backup."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archesai_infra import versions
from archesai_infra.components.backups import scripts
from archesai_infra.components.backups.access import CLOUD_KEY, OBJECTS_SECRET, cloud_secret
from archesai_infra.components.backups.cron import cron_job
from archesai_infra.components.running import Pod, RunningComponent
from archesai_infra.components.workload import Scheduling
from archesai_infra.kube.names import object_name
from archesai_infra.kube.pods import config_files, container, environment, scratch, secret_files

if TYPE_CHECKING:
    import pulumi

    from archesai_infra.components.backups.access import Keys
    from archesai_infra.components.backups.settings import BackupsSettings
    from archesai_infra.components.base import Context
    from archesai_infra.components.storage import StorageConnection
    from archesai_infra.kube.pods import SecretKey

MODULE = "backups-objects"
NAME = object_name(MODULE)
SECRETS_PATH = "/run/secrets/archesai"


@dataclass(frozen=True)
class ObjectsArgs:
    """What the component is built from."""

    settings: BackupsSettings
    source: StorageConnection
    keys: Keys


class Objects(RunningComponent):
    """The copy and the Secret it is written with."""

    def __init__(self, name: str, context: Context, args: ObjectsArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("BackupsObjects", name, context, opts)
        settings = args.settings.objects
        files = self.config_map("objects-scripts", scripts.OBJECTS_FILES)
        mounts = [
            config_files("scripts", scripts.PATH, files.metadata.name),
            scratch("tmp", "/tmp", "256Mi"),
        ]
        if not args.settings.velero.role_arn:
            made = cloud_secret(self, "keys", OBJECTS_SECRET, context.namespace, args.keys, None)
            secret = made.metadata.name if made else args.settings.existing_secret or OBJECTS_SECRET
            mounts.append(secret_files("keys", SECRETS_PATH, secret, [CLOUD_KEY]))
        copier = container(
            name="objects",
            image=context.image(settings.image, versions.RCLONE),
            pull_policy=context.pull_policy,
            resources=settings.resources.requirements(),
            command=scripts.run("objects.sh"),
            args=["backup"],
            env=environment(plain_environment(args.settings, args.source), _secret_environment(args.source)),
            mounts=mounts,
        )
        annotations = {"archesai.com/copies": args.source.bucket}
        pod = Pod(NAME, [copier], mounts, Scheduling(), 30, annotations=annotations, restart_policy="Never")
        cron_job(self, pod, cron=settings.cron, timeout=settings.timeout)
        self.register_outputs({})


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
        "SCRIPTS": scripts.PATH,
        "SOURCE": f"source:{source.bucket}",
        "TARGET": f"target:{settings.bucket}/{settings.path('objects')}",
        "KEEP_DAYS": str(settings.objects.keep_days),
        "RCLONE_CONFIG": "/tmp/rclone.conf",
        "AWS_SHARED_CREDENTIALS_FILE": f"{SECRETS_PATH}/{CLOUD_KEY}",
        **{f"RCLONE_CONFIG_TARGET_{key}": value for key, value in target.items()},
        **{f"RCLONE_CONFIG_SOURCE_{key}": value for key, value in origin.items()},
    }


def _secret_environment(source: StorageConnection) -> dict[str, SecretKey]:
    return {
        "RCLONE_CONFIG_SOURCE_ACCESS_KEY_ID": source.access_key,
        "RCLONE_CONFIG_SOURCE_SECRET_ACCESS_KEY": source.secret_key,
    }
