"""S3-compatible object storage: RustFS or MinIO in the cluster, or any S3 elsewhere, and the application's bucket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.core.v1 import ContainerArgsDict

from archesai_infra import versions
from archesai_infra.components.base.component import FilledSecret, secret_key, secret_name
from archesai_infra.components.base.context import Context, Endpoint
from archesai_infra.components.base.external_secrets import Value
from archesai_infra.components.base.pods import Pod, RunningComponent
from archesai_infra.components.storage.bucket import Bucket, BucketArgs
from archesai_infra.components.storage.settings import (
    ACCESS_KEY,
    BUCKET_MODULE,
    CONSOLE_PORT,
    NAME,
    PORT,
    PORTS,
    SECRET_KEY,
    ExternalStorage,
    ManagedStorage,
)
from archesai_infra.components.storage.users import User
from archesai_infra.credentials import Credential, Credentials
from archesai_infra.kube.pods import SecretKey, container, environment
from archesai_infra.kube.probes import Probes, http_probe
from archesai_infra.kube.volumes import Mount, claim, scratch, secret_files

SECRETS_PATH = "/run/secrets/archesai"


@dataclass(frozen=True)
class StorageConnection:
    """What a consumer needs; it does not tell who runs the service."""

    url: str
    bucket: str
    region: str
    access_key: SecretKey
    secret_key: SecretKey
    keys: tuple[pulumi.Output[str], pulumi.Output[str]] | None
    """Access key and secret key; None for an existing Secret."""
    ready: tuple[pulumi.Resource, ...] = ()
    """What has to be done before the keys open the bucket."""

    @property
    def secret_values(self) -> tuple[pulumi.Output[str], ...]:
        """Values whose change must roll the consumer."""
        return self.keys or ()


@dataclass(frozen=True)
class StorageArgs:
    """What the component is built from."""

    settings: ManagedStorage | ExternalStorage
    credentials: Credentials
    users: Sequence[User] = ()
    """The consumers of a managed server; those of an external one share its keys."""


@dataclass(frozen=True)
class _Keys:
    secret: pulumi.Input[str]
    """Name of the Secret."""
    access: SecretKey
    secret_key: SecretKey
    values: tuple[pulumi.Output[str], pulumi.Output[str]] | None


def _known(secret: FilledSecret | str) -> _Keys:
    """Keys whose values the program does not see."""
    return _Keys(secret_name(secret), secret_key(secret, ACCESS_KEY), secret_key(secret, SECRET_KEY), None)


class Storage(RunningComponent):
    """Object storage in any of its forms, the Secrets with its keys, the buckets and the users."""

    def __init__(self, context: Context, args: StorageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Storage", "storage", context, opts)
        self._settings = args.settings
        keys = self._keys(args.settings, args.credentials)
        self._users: dict[str, tuple[User, _Keys]] = {}
        self._ready: tuple[pulumi.Resource, ...] = ()
        if isinstance(args.settings, ManagedStorage):
            self._server(args.settings, keys)
            self._users = {user.name: (user, self._user(args.settings, user)) for user in args.users}
            self._ready = (self._bucket(args.settings, keys),)
        self._administrator = keys
        self.register_outputs({})

    def connection(self, user: str) -> StorageConnection:
        """How a consumer reaches its bucket; raises KeyError for a managed server that has no such user."""
        settings = self._settings
        if isinstance(settings, ExternalStorage):
            url = f"{'https' if settings.tls else 'http'}://{Endpoint(settings.host, settings.port).address}"
            return self._connection(url, settings.bucket, self._administrator)
        known, keys = self._users[user]
        return self._connection(Endpoint(NAME, PORT).url, known.bucket, keys)

    def _connection(self, url: str, bucket: str, keys: _Keys) -> StorageConnection:
        region = self._settings.region
        return StorageConnection(url, bucket, region, keys.access, keys.secret_key, keys.values, self._ready)

    def _user(self, settings: ManagedStorage, user: User) -> _Keys:
        if self.context.external:
            value = Value(f"storage{user.name.title()}SecretKey")
            data = {ACCESS_KEY: user.access_key, SECRET_KEY: value.template}
            return _known(self.external_secret(user.secret, data, [value], part=f"{user.name}-secret"))
        if not self.context.generates:
            return _known(user.secret)
        secret = self.generated(f"{user.name}-key", version=settings.password_version)
        access = pulumi.Output.from_input(user.access_key)
        made = self.secret(user.secret, {ACCESS_KEY: access, SECRET_KEY: secret}, part=f"{user.name}-secret")
        return _Keys(made.metadata.name, secret_key(made, ACCESS_KEY), secret_key(made, SECRET_KEY), (access, secret))

    def _bucket(self, settings: ManagedStorage, keys: _Keys) -> pulumi.Resource:
        users = [(user, own.secret) for user, own in self._users.values()]
        seen = [value for _, own in self._users.values() for value in own.values or ()]
        args = BucketArgs(settings, keys.secret, users, [*(keys.values or ()), *seen])
        return Bucket(BUCKET_MODULE, self.context, args, pulumi.ResourceOptions(parent=self)).job_done

    def _keys(self, settings: ManagedStorage | ExternalStorage, credentials: Credentials) -> _Keys:
        if settings.existing_secret:
            return _known(settings.existing_secret)
        if self.context.external:
            values = [Value.STORAGE_ACCESS_KEY, Value.STORAGE_SECRET_KEY]
            data = {key: value.template for key, value in zip((ACCESS_KEY, SECRET_KEY), values, strict=True)}
            return _known(self.external_secret(NAME, data, values))
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
        server = build(settings, mounts)
        pod = Pod(NAME, [server], mounts, settings.scheduling, 60, keys.values or (), security=settings.security)
        self.stateful_set(pod, PORTS)

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
                startup=http_probe(live, PORT, period=2, failures=150),
                readiness=http_probe(ready, PORT, period=10, failures=3),
                liveness=http_probe(live, PORT, period=20, failures=6),
            ),
        )
