"""Redis: managed in the cluster with an append-only file, external, or on the developer's machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Self

import pulumi
from pydantic import Field, model_validator

from archesai_infra import versions
from archesai_infra.components.base.component import Context, Endpoint, secret_key
from archesai_infra.components.base.peers import ServicePeer
from archesai_infra.components.base.pods import Pod, RunningComponent
from archesai_infra.components.base.settings import Resources, RunOnHost, Workload, resources
from archesai_infra.credentials import Credential, Credentials
from archesai_infra.kube.names import object_name
from archesai_infra.kube.network import ANYWHERE
from archesai_infra.kube.pods import (
    Probes,
    SecretKey,
    claim,
    config_files,
    container,
    exec_probe,
    scratch,
    secret_files,
    tcp_probe,
)
from archesai_infra.model import Model
from archesai_infra.quantities import memory_bytes
from archesai_infra.types import Cidr, DnsLabel, Hostname, MemoryQuantity, Port

MODULE = "redis"
NAME = object_name("redis")
PORT = 6379
PASSWORD_KEY = "REDIS_PASSWORD"
SECRETS_PATH = "/run/secrets/archesai"
CONFIG_PATH = "/etc/redis"
RUN_PATH = "/run/redis"

# The password joins the configuration inside the pod, on a volume in memory: never on a command line or in a ConfigMap.
START = rf"""set -eu
umask 077
cp {CONFIG_PATH}/redis.conf {RUN_PATH}/redis.conf
printf '\nrequirepass "%s"\n' "$(sed 's/[\\"]/\\&/g' {SECRETS_PATH}/{PASSWORD_KEY})" >>{RUN_PATH}/redis.conf
exec redis-server {RUN_PATH}/redis.conf
"""

# redis-cli exits 0 on a wrong password and while the data is still loading: only PONG counts.
PING = (
    f"""REDISCLI_AUTH="$(cat {SECRETS_PATH}/{PASSWORD_KEY})" redis-cli -h 127.0.0.1 -p {PORT} ping | grep -q '^PONG$'"""
)


class ManagedRedis(Workload):
    """A redis server in the cluster, one pod with one volume."""

    enabled: bool = False
    """Run the module."""
    mode: Literal["managed"] = "managed"
    """A server in the cluster."""
    size: MemoryQuantity = "5Gi"
    """Size of the volume; it can grow, not shrink."""
    storage_class: DnsLabel | None = None
    """StorageClass of the volume; the cluster's default where it is not set."""
    claim_name: DnsLabel | None = None
    """Claim on the volume, `archesai-redis-data` if not set; one that exists is taken over with its data."""
    resources: Resources = resources(("100m", "128Mi"), ("200m", "256Mi"))
    """CPU and memory."""
    max_memory: MemoryQuantity | None = None
    """Memory for data; three fifths of the memory limit, the rest is for the copy that a rewrite makes."""
    max_memory_policy: Literal[
        "noeviction",
        "allkeys-lru",
        "allkeys-lfu",
        "allkeys-random",
        "volatile-lru",
        "volatile-lfu",
        "volatile-random",
        "volatile-ttl",
    ] = "allkeys-lru"
    """What goes when the memory is full."""
    append_fsync: Literal["always", "everysec", "no"] = "everysec"
    """When the append-only file reaches the disk."""
    existing_secret: DnsLabel | None = None
    """Secret with the key `REDIS_PASSWORD`, made by others."""
    password_version: int = Field(default=1, ge=1)
    """Raise it to have a generated password made anew."""
    run_on_host: RunOnHost | None = None
    """Use a server on the developer's machine instead of a pod; needs `redisPassword`."""

    @property
    def claim(self) -> str:
        """Name of the claim that holds the data."""
        return self.claim_name or f"{NAME}-data"

    @model_validator(mode="after")
    def _memory_fits(self) -> Self:
        limit = self.resources.limits.memory
        if self.max_memory is not None and memory_bytes(self.max_memory) >= memory_bytes(limit):
            raise ValueError(f"maxMemory ({self.max_memory}) must be below resources.limits.memory ({limit})")
        return self


class ExternalRedis(Model):
    """A redis server that others run."""

    enabled: bool = False
    """Use the module."""
    mode: Literal["external"]
    """A server elsewhere."""
    host: Hostname
    """Host name of the server."""
    port: Port = PORT
    """Port of the server."""
    cidrs: tuple[Cidr, ...] = ANYWHERE
    """Networks the server's addresses are in; the network policies allow no other."""
    service: ServicePeer | None = None
    """Pods behind the host, where it is a Service of another namespace in this cluster."""
    existing_secret: DnsLabel | None = None
    """Secret with the key `REDIS_PASSWORD`, made by others."""


@dataclass(frozen=True)
class RedisConnection:
    """What a consumer needs; it does not tell who runs the server."""

    endpoint: Endpoint
    password: SecretKey
    fingerprint: tuple[pulumi.Output[str], ...]


@dataclass(frozen=True)
class RedisArgs:
    """What the component is built from."""

    settings: ManagedRedis | ExternalRedis
    credentials: Credentials


def configuration(settings: ManagedRedis) -> str:
    """`redis.conf` without the password: the production guide's persistence, on this stack's memory."""
    limit = memory_bytes(settings.resources.limits.memory)
    max_memory = memory_bytes(settings.max_memory) if settings.max_memory else limit * 3 // 5
    lines = [
        f"port {PORT}",
        "dir /data",
        "daemonize no",
        "appendonly yes",
        f"appendfsync {settings.append_fsync}",
        "auto-aof-rewrite-percentage 100",
        "auto-aof-rewrite-min-size 64mb",
        "save 900 1 300 10 60 10000",
        f"maxmemory {max_memory}",
        f"maxmemory-policy {settings.max_memory_policy}",
    ]
    return "\n".join(lines) + "\n"


class Redis(RunningComponent):
    """Redis, whoever runs it, and the Secret with its password."""

    connection: RedisConnection

    def __init__(
        self, name: str, context: Context, args: RedisArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("Redis", name, context, opts)
        settings = args.settings
        password, values = self._password(settings, args.credentials)
        if isinstance(settings, ExternalRedis):
            endpoint = Endpoint(settings.host, settings.port)
        else:
            endpoint = Endpoint(NAME, PORT)
            self.service(NAME, {"redis": PORT}, settings.run_on_host)
            if settings.run_on_host is None:
                self._server(settings, password, values)
        self.connection = RedisConnection(endpoint, password, values)
        self.register_outputs({})

    def _password(
        self, settings: ManagedRedis | ExternalRedis, credentials: Credentials
    ) -> tuple[SecretKey, tuple[pulumi.Output[str], ...]]:
        if settings.existing_secret:
            return secret_key(settings.existing_secret, PASSWORD_KEY), ()
        password = credentials.get(Credential.REDIS_PASSWORD)
        if password is None:
            version = settings.password_version if isinstance(settings, ManagedRedis) else 1
            password = self.generated("password", version=version)
        return secret_key(self.secret(NAME, {PASSWORD_KEY: password}), PASSWORD_KEY), (password,)

    def _server(self, settings: ManagedRedis, password: SecretKey, values: tuple[pulumi.Output[str], ...]) -> None:
        data = self.data_claim(settings.claim, settings.size, settings.storage_class)
        config = self.config_map("redis-config", {"redis.conf": configuration(settings)})
        mounts = [
            claim("data", "/data", data.metadata.name),
            config_files("config", CONFIG_PATH, config.metadata.name),
            secret_files("password", SECRETS_PATH, password.name, [PASSWORD_KEY]),
            scratch("run", RUN_PATH, "1Mi", memory=True),
            scratch("tmp", "/tmp", "64Mi"),
        ]
        ping = ["/bin/sh", "-c", PING]
        server = container(
            name="redis",
            image=self.context.image(settings.image, versions.REDIS),
            pull_policy=self.context.pull_policy,
            resources=settings.resources.requirements(),
            command=["/bin/sh", "-c", START],
            ports={"redis": PORT},
            mounts=mounts,
            probes=Probes(
                startup=exec_probe(ping, period=5, failures=120),
                readiness=exec_probe(ping, period=10, failures=3),
                liveness=tcp_probe(PORT, period=10, failures=6),
            ),
        )
        # A stop writes the whole data set once more.
        self.stateful_set(Pod(NAME, [server], mounts, settings.scheduling, 60, values), {"redis": PORT})


def requirements(settings: ManagedRedis | ExternalRedis, given: Mapping[Credential, object]) -> list[str]:
    """What the credentials lack or have too much of, as sentences that begin with a key."""
    password_given = Credential.REDIS_PASSWORD in given
    if settings.existing_secret:
        return ["redis.existingSecret: also set is redisPassword; keep one of the two"] if password_given else []
    if isinstance(settings, ExternalRedis) and not password_given:
        return ["redis: an external redis needs its password: pulumi config set --secret redisPassword"]
    if isinstance(settings, ManagedRedis) and settings.run_on_host and not password_given:
        return ["redis.runOnHost: needs the server's password: pulumi config set --secret redisPassword"]
    return []
