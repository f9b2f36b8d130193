"""A Job that makes a bucket."""

from __future__ import annotations

import pulumi

from archesai_infra import versions
from archesai_infra.components.base.component import Context, Endpoint
from archesai_infra.components.base.pods import Pod, RunningComponent
from archesai_infra.components.base.settings import resources
from archesai_infra.components.storage.settings import NAME, PORT, ManagedStorage
from archesai_infra.kube.names import object_name
from archesai_infra.kube.pods import (
    SecretKey,
    container,
    environment,
    scratch,
)


class Bucket(RunningComponent):
    """A Job that makes a bucket; running it again changes nothing."""

    def __init__(
        self,
        name: str,
        context: Context,
        settings: ManagedStorage,
        keys: tuple[SecretKey, SecretKey],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("Bucket", name, context, opts)
        home = scratch("tmp", "/tmp", "64Mi")
        plain = {
            "RCLONE_CONFIG": "/tmp/rclone.conf",
            "RCLONE_CONFIG_STORE_TYPE": "s3",
            "RCLONE_CONFIG_STORE_PROVIDER": "Minio" if settings.server == "minio" else "Other",
            "RCLONE_CONFIG_STORE_ENDPOINT": Endpoint(NAME, PORT).url,
            "RCLONE_CONFIG_STORE_REGION": settings.region,
        }
        secret = {
            "RCLONE_CONFIG_STORE_ACCESS_KEY_ID": keys[0],
            "RCLONE_CONFIG_STORE_SECRET_ACCESS_KEY": keys[1],
        }
        args = ["mkdir", f"store:{settings.bucket}", "--retries", "30", "--retries-sleep", "5s", "--verbose"]
        image = context.image(settings.bucket_image, versions.RCLONE)
        maker = container(
            name="bucket",
            image=image,
            pull_policy=context.pull_policy,
            resources=resources(("10m", "32Mi"), ("100m", "128Mi")).requirements(),
            args=args,
            env=environment(plain, secret),
            mounts=[home],
        )
        pod = Pod(object_name(name), [maker], [home], settings.scheduling, 30, restart_policy="OnFailure")
        self.job(pod, retries=5, deadline_seconds=600)
        self.register_outputs({})
