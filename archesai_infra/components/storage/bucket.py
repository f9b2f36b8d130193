"""A Job that makes the buckets and the users of the object storage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.batch.v1 import Job

from archesai_infra import versions
from archesai_infra.components.base.context import Context, Endpoint
from archesai_infra.components.base.pods import Pod, RunningComponent
from archesai_infra.components.base.scripts import scripts
from archesai_infra.components.base.settings import resources
from archesai_infra.components.storage.settings import ACCESS_KEY, NAME, PORT, SECRET_KEY, ManagedStorage
from archesai_infra.components.storage.users import PREFIX, User, buckets
from archesai_infra.kube.names import object_name
from archesai_infra.kube.pods import container, environment
from archesai_infra.kube.volumes import Mount, config_files, projected_secrets, scratch

KEYS_PATH = "/run/secrets/archesai"
SCRIPTS_PATH = "/etc/archesai"
_PACKAGE = "archesai_infra.components.storage"


@dataclass(frozen=True)
class BucketArgs:
    """What the component is built from."""

    settings: ManagedStorage
    administrator: pulumi.Input[str]
    """Secret with the administrator's keys."""
    users: Sequence[tuple[User, pulumi.Input[str]]]
    """Each user with the Secret of its keys."""
    secret_values: Sequence[pulumi.Output[str]]
    """Keys whose change makes another Job."""


class Bucket(RunningComponent):
    """The Job; running it again changes nothing."""

    job_done: Job

    def __init__(self, name: str, context: Context, args: BucketArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("Bucket", name, context, opts)
        settings, users = args.settings, [user for user, _ in args.users]
        mounts = [self._keys(args), self._files(users), scratch("tmp", "/tmp", "64Mi")]
        plain = {
            "STORE": Endpoint(NAME, PORT).url,
            "BUCKETS": " ".join(buckets(settings.bucket, users)),
            "USERS": " ".join(user.name for user in users),
            "PREFIX": PREFIX,
            "KEYS": KEYS_PATH,
            "SCRIPTS": SCRIPTS_PATH,
            "MC_CONFIG_DIR": "/tmp/mc",
            "HOME": "/tmp",
        }
        maker = container(
            name="bucket",
            image=context.image(settings.bucket_image, versions.MINIO),
            pull_policy=context.pull_policy,
            resources=resources(("10m", "64Mi"), ("200m", "256Mi")).requirements(),
            command=["/bin/sh", f"{SCRIPTS_PATH}/users.sh"],
            env=environment(plain, {}),
            mounts=mounts,
        )
        pod = Pod(
            object_name(name), [maker], mounts, settings.scheduling, 30, args.secret_values, restart_policy="OnFailure"
        )
        self.job_done = self.job(pod, retries=5, deadline_seconds=600)
        self.register_outputs({})

    def _files(self, users: Sequence[User]) -> Mount:
        policies = {f"{user.name}.json": user.policy for user in users}
        made = self.config_map("users", scripts(_PACKAGE, "users.sh") | policies)
        return config_files("scripts", SCRIPTS_PATH, made.metadata.name)

    def _keys(self, args: BucketArgs) -> Mount:
        """The administrator's keys, and each user's secret key in a file of its name."""
        files = [(args.administrator, {ACCESS_KEY: ACCESS_KEY, SECRET_KEY: SECRET_KEY})]
        files += [(secret, {SECRET_KEY: user.name}) for user, secret in args.users]
        return projected_secrets("keys", KEYS_PATH, files)
