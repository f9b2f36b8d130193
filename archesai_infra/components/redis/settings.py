"""Settings of redis, and what its credentials lack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from archesai_infra import versions
from archesai_infra.components.base.certificates import ServerCertificate
from archesai_infra.components.base.peers import Certificate, ServicePeer
from archesai_infra.components.base.settings import (
    DataVolume,
    ExternalModule,
    HostableModule,
    PodImages,
    Resources,
    RunOnHost,
    VolumeOwner,
    Workload,
    WorkloadModule,
    resources,
)
from archesai_infra.components.redis.replicated.names import HOSTS
from archesai_infra.credentials import Credential
from archesai_infra.kube.names import object_name
from archesai_infra.kube.network import ANYWHERE
from archesai_infra.quantities import memory_bytes
from archesai_infra.types import Cidr, DnsLabel, Hostname, MemoryQuantity, Port, RedisCommand, RedisUser

MODULE = "redis"
NAME = object_name("redis")
PORT = 6379
PASSWORD_KEY = "REDIS_PASSWORD"
DATA_SHARE = 0.45
"""Part of the memory limit for data: under a rewrite all of it may be copied."""


class RedisServer(WorkloadModule, VolumeOwner):
    """What redis servers in the cluster can set, one pod or several."""

    size: MemoryQuantity = "5Gi"
    """Size of the volume; it can grow, not shrink."""
    resources: Resources = resources(("100m", "128Mi"), ("200m", "256Mi"))
    """CPU and memory."""
    max_memory: MemoryQuantity | None = None
    """Memory for data; 0.45 of the memory limit where it is not set. While redis rewrites its file or is dumped, keys
    that change are in memory twice: 2.05 times this value was measured with writers that change all."""
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
    commands: tuple[RedisCommand, ...] = ()
    """Commands that the application may run besides: those that administer or block a server (redis' categories `admin`
    and `dangerous`, such as `keys` and `flushdb`) are refused, but for `info`."""
    existing_secret: DnsLabel | None = None
    """Existing Secret with the key `REDIS_PASSWORD`."""
    password_version: int = Field(default=1, ge=1)
    """Raise it to regenerate generated passwords: the application's and those of all other users."""

    @model_validator(mode="after")
    def _memory_fits(self) -> Self:
        limit = self.resources.limits.memory
        if self.max_memory is not None and memory_bytes(self.max_memory) >= memory_bytes(limit):
            raise ValueError(f"maxMemory ({self.max_memory}) must be below resources.limits.memory ({limit})")
        return self


class ManagedRedis(HostableModule, DataVolume, RedisServer):
    """A redis server in the cluster, one pod with one volume."""

    default_image = versions.REDIS
    default_claim = f"{NAME}-data"

    mode: Literal["managed"] = "managed"
    """A server in the cluster."""
    run_on_host: RunOnHost | None = None
    """Use a server on the developer's machine instead of a pod; needs `redisPassword`."""


class RedisProxy(Workload):
    """The proxies in front of a replicated redis, which lead every connection to the primary."""

    resources: Resources = resources(("50m", "64Mi"), ("500m", "128Mi"))
    """CPU and memory of each of the two."""


class RedisTls(ServerCertificate):
    """TLS of a replicated redis: of its clients, between its servers, and of its Sentinels."""

    secret: DnsLabel | None = None
    """Existing Secret with `tls.crt`, `tls.key` and `ca.crt`, for the hosts `archesai-redis`,
    `archesai-redis-server-0.archesai-redis-server-headless` and those of the servers 1 and 2."""


class ReplicatedRedis(RedisServer):
    """Three Valkey servers, of which one is the primary, with three Sentinels and two proxies."""

    default_image = versions.VALKEY

    mode: Literal["replicated"]
    """Servers in the cluster that outlive the loss of one of them."""
    apart: Literal["required", "preferred"] = "required"
    """Whether two servers, or two proxies, may share a node: `required` needs three nodes, `preferred` also runs on
    fewer and then outlives no loss of a node."""
    sentinel_resources: Resources = resources(("20m", "32Mi"), ("200m", "64Mi"), ("16Mi", "64Mi"))
    """CPU and memory of each Sentinel, which runs beside its server."""
    proxy: RedisProxy = RedisProxy()
    """The proxies behind the address `archesai-redis`."""
    tls: RedisTls | None = None
    """TLS in place of clear text, for clients, replication and Sentinels alike. A server with it and one without cannot
    follow each other: set it before the first `up`, or stop the servers as `docs/scale.md` says."""

    @field_validator("tls", mode="before")
    @classmethod
    def _names_a_certificate(cls, value: object) -> object:
        if value is True or value is False:
            hosts = ", ".join((NAME, *HOSTS))
            raise ValueError(f"names the servers' certificate here: set secret or issuer; its hosts are {hosts}")
        return value

    @property
    def pod_images(self) -> PodImages:
        """The servers' image and the proxies'."""
        found = super().pod_images
        return {**found, "proxy.image": (self.proxy.image, versions.HAPROXY)} if found else {}


class ExternalRedis(ExternalModule):
    """A redis server that others run."""

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
    tls: bool = False
    """Speak TLS with the server, in the exporter and in dumps; the api does where its setting `redis.ca` is set."""
    ca: Certificate | None = None
    """Authority that the server's certificate is checked against; those of the images where it is not set. The api's
    setting `redis.ca` names its file."""
    user: RedisUser | None = None
    """User of the exporter and of dumps, with the same password; the default user where it is not set."""
    auth: Literal["password", "none"] = "password"
    """Whether the server wants a password."""
    existing_secret: DnsLabel | None = None
    """Existing Secret with the key `REDIS_PASSWORD`."""

    @model_validator(mode="after")
    def _tls_and_login_fit(self) -> Self:
        if self.ca is not None and not self.tls:
            raise ValueError("ca: checks a certificate, which only TLS has: set tls to true")
        if self.auth == "none" and (self.user is not None or self.existing_secret is not None):
            raise ValueError("auth: none logs in as nobody: remove user and existingSecret, or set it to password")
        return self


def requirements(
    settings: ManagedRedis | ReplicatedRedis | ExternalRedis, given: Mapping[Credential, object]
) -> list[str]:
    """What the credentials lack or have too much of, each as `key: problem and cure`."""
    password_given = Credential.REDIS_PASSWORD in given
    if settings.existing_secret:
        return ["redis.existingSecret: redisPassword is also set; keep only one"] if password_given else []
    if isinstance(settings, ExternalRedis) and settings.auth == "none":
        return ["redisPassword: redis.auth is none; keep only one"] if password_given else []
    if isinstance(settings, ExternalRedis) and not password_given:
        return ["redis: an external redis needs its password: arches config set redisPassword"]
    if isinstance(settings, ManagedRedis) and settings.run_on_host and not password_given:
        return ["redis.runOnHost: needs the server's password: arches config set redisPassword"]
    return []
