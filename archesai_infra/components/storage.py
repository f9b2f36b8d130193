"""S3-compatible object storage: RustFS or MinIO in the cluster, or any S3 elsewhere, and the application's bucket."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pulumi
from pulumi_kubernetes.core.v1 import ContainerArgsDict
from pydantic import Field

from archesai_infra import versions
from archesai_infra.components.base.component import Context, Endpoint, secret_key
from archesai_infra.components.base.peers import ServicePeer
from archesai_infra.components.base.pods import Pod, RunningComponent
from archesai_infra.components.base.settings import Image, Resources, Workload, resources
from archesai_infra.credentials import Credential, Credentials
from archesai_infra.kube.names import object_name
from archesai_infra.kube.network import ANYWHERE
from archesai_infra.kube.pods import (
    Mount,
    Probes,
    SecretKey,
    claim,
    container,
    environment,
    http_probe,
    scratch,
    secret_files,
)
from archesai_infra.model import Model
from archesai_infra.types import BucketName, Cidr, DnsLabel, Hostname, MemoryQuantity, Port

MODULE = "storage"
NAME = object_name("storage")
PORT = 9000
CONSOLE_PORT = 9001
PORTS = {"s3": PORT, "console": CONSOLE_PORT}
ACCESS_KEY = "ACCESS_KEY"
SECRET_KEY = "SECRET_KEY"
SECRETS_PATH = "/run/secrets/archesai"
BUCKET_MODULE = "storage-bucket"


class ManagedStorage(Workload):
    """An object store in the cluster, one pod with one volume."""

    enabled: bool = False
    """Run the module."""
    mode: Literal["managed"] = "managed"
    """A server in the cluster."""
    server: Literal["rustfs", "minio"] = "rustfs"
    """Which server runs; MinIO gets no more fixes."""
    bucket: BucketName = "arches"
    """Bucket of the application."""
    region: str = "us-east-1"
    """Region that the server and its clients sign for."""
    size: MemoryQuantity = "20Gi"
    """Size of the volume; it can grow, not shrink."""
    storage_class: DnsLabel | None = None
    """StorageClass of the volume; the cluster's default where it is not set."""
    claim_name: DnsLabel | None = None
    """Claim on the volume, `archesai-storage-data` if not set; one that exists is taken over with its data."""
    resources: Resources = resources(("250m", "256Mi"), ("500m", "512Mi"))
    """CPU and memory."""
    existing_secret: DnsLabel | None = None
    """Secret with the keys `ACCESS_KEY` and `SECRET_KEY`, made by others."""
    password_version: int = Field(default=1, ge=1)
    """Raise it to have generated keys made anew."""
    bucket_image: Image = Image()
    """Image of the Job that makes the bucket (rclone)."""

    @property
    def claim(self) -> str:
        """Name of the claim that holds the data."""
        return self.claim_name or f"{NAME}-data"


class ExternalStorage(Model):
    """An S3 service that others run; its bucket exists."""

    enabled: bool = False
    """Use the module."""
    mode: Literal["external"]
    """A service elsewhere."""
    host: Hostname
    """Host name of the S3 endpoint."""
    port: Port = 443
    """Port of the S3 endpoint."""
    tls: bool = True
    """Speak HTTPS."""
    bucket: BucketName = "arches"
    """Bucket of the application."""
    region: str = "us-east-1"
    """Region of the bucket."""
    cidrs: tuple[Cidr, ...] = ANYWHERE
    """Networks the service's addresses are in; the network policies allow no other."""
    service: ServicePeer | None = None
    """Pods behind the host, where it is a Service of another namespace in this cluster."""
    existing_secret: DnsLabel | None = None
    """Secret with the keys `ACCESS_KEY` and `SECRET_KEY`, made by others."""


@dataclass(frozen=True)
class StorageConnection:
    """What a consumer needs; it does not tell who runs the service."""

    url: str
    bucket: str
    region: str
    access_key: SecretKey
    secret_key: SecretKey
    fingerprint: tuple[pulumi.Output[str], ...]


@dataclass(frozen=True)
class StorageArgs:
    """What the component is built from."""

    settings: ManagedStorage | ExternalStorage
    credentials: Credentials


@dataclass(frozen=True)
class _Keys:
    secret: pulumi.Input[str]
    access: SecretKey
    secret_key: SecretKey
    values: tuple[pulumi.Output[str], ...]


class Storage(RunningComponent):
    """Object storage, whoever runs it, the Secret with its keys, and the bucket."""

    connection: StorageConnection

    def __init__(
        self, name: str, context: Context, args: StorageArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("Storage", name, context, opts)
        settings = args.settings
        keys = self._keys(settings, args.credentials)
        if isinstance(settings, ExternalStorage):
            url = f"{'https' if settings.tls else 'http'}://{Endpoint(settings.host, settings.port).address}"
        else:
            url = Endpoint(NAME, PORT).url
            self._server(settings, keys)
            access = (keys.access, keys.secret_key)
            Bucket(BUCKET_MODULE, context, settings, access, pulumi.ResourceOptions(parent=self))
        self.connection = StorageConnection(
            url, settings.bucket, settings.region, keys.access, keys.secret_key, keys.values
        )
        self.register_outputs({})

    def _keys(self, settings: ManagedStorage | ExternalStorage, credentials: Credentials) -> _Keys:
        if settings.existing_secret:
            name = settings.existing_secret
            return _Keys(name, secret_key(name, ACCESS_KEY), secret_key(name, SECRET_KEY), ())
        version = settings.password_version if isinstance(settings, ManagedStorage) else 1
        access = credentials.get(Credential.STORAGE_ACCESS_KEY) or self.generated("access-key", version=version)
        secret = credentials.get(Credential.STORAGE_SECRET_KEY) or self.generated("secret-key", version=version)
        made = self.secret(NAME, {ACCESS_KEY: access, SECRET_KEY: secret})
        return _Keys(made.metadata.name, secret_key(made, ACCESS_KEY), secret_key(made, SECRET_KEY), (access, secret))

    def _server(self, settings: ManagedStorage, keys: _Keys) -> None:
        self.service(NAME, PORTS)
        data = self.data_claim(settings.claim, settings.size, settings.storage_class)
        mounts = [
            claim("data", "/data", data.metadata.name),
            secret_files("keys", SECRETS_PATH, keys.secret, [ACCESS_KEY, SECRET_KEY]),
            scratch("tmp", "/tmp", "256Mi"),
        ]
        build = self._rustfs if settings.server == "rustfs" else self._minio
        self.stateful_set(Pod(NAME, [build(settings, mounts)], mounts, settings.scheduling, 60, keys.values), PORTS)

    def _rustfs(self, settings: ManagedStorage, mounts: list[Mount]) -> ContainerArgsDict:
        plain = {
            "RUSTFS_VOLUMES": "/data",
            "RUSTFS_ADDRESS": f":{PORT}",
            "RUSTFS_CONSOLE_ENABLE": "true",
            "RUSTFS_CONSOLE_ADDRESS": f":{CONSOLE_PORT}",
            "RUSTFS_REGION": settings.region,
            # The image sets a directory for log files; without one the server logs to standard output.
            "RUSTFS_OBS_LOG_DIRECTORY": "",
            "RUSTFS_ACCESS_KEY_FILE": f"{SECRETS_PATH}/{ACCESS_KEY}",
            "RUSTFS_SECRET_KEY_FILE": f"{SECRETS_PATH}/{SECRET_KEY}",
        }
        return self._container(settings, versions.RUSTFS, mounts, plain, [], "/health", "/health/ready")

    def _minio(self, settings: ManagedStorage, mounts: list[Mount]) -> ContainerArgsDict:
        plain = {
            "MINIO_ROOT_USER_FILE": f"{SECRETS_PATH}/{ACCESS_KEY}",
            "MINIO_ROOT_PASSWORD_FILE": f"{SECRETS_PATH}/{SECRET_KEY}",
            "MINIO_REGION": settings.region,
        }
        # Without its own place for certificates it wants to write below the root directory.
        args = ["server", "/data", "--console-address", f":{CONSOLE_PORT}", "--certs-dir", "/tmp/certs"]
        live, ready = "/minio/health/live", "/minio/health/ready"
        return self._container(settings, versions.MINIO, mounts, plain, args, live, ready)

    def _container(
        self,
        settings: ManagedStorage,
        version: versions.ImageVersion,
        mounts: list[Mount],
        plain: Mapping[str, str],
        args: list[str],
        live: str,
        ready: str,
    ) -> ContainerArgsDict:
        return container(
            name=settings.server,
            image=self.context.image(settings.image, version),
            pull_policy=self.context.pull_policy,
            resources=settings.resources.requirements(),
            args=args,
            env=environment(plain, {}),
            ports=PORTS,
            mounts=mounts,
            probes=Probes(
                startup=http_probe(live, PORT, period=5, failures=60),
                readiness=http_probe(ready, PORT, period=10, failures=3),
                liveness=http_probe(live, PORT, period=20, failures=6),
            ),
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


def requirements(settings: ManagedStorage | ExternalStorage, given: Mapping[Credential, object]) -> list[str]:
    """What the credentials lack or have too much of, as sentences that begin with a key."""
    keys = [key for key in (Credential.STORAGE_ACCESS_KEY, Credential.STORAGE_SECRET_KEY) if key in given]
    if settings.existing_secret:
        return [f"storage.existingSecret: also set is {keys[0]}; keep one of the two"] if keys else []
    if len(keys) == 1:
        other = {Credential.STORAGE_ACCESS_KEY, Credential.STORAGE_SECRET_KEY} - set(keys)
        return [f"{keys[0]}: needs its other half: pulumi config set --secret {other.pop()}"]
    if isinstance(settings, ExternalStorage) and not keys:
        return [
            "storage: external storage needs its keys: pulumi config set --secret storageAccessKey and storageSecretKey"
        ]
    return []
