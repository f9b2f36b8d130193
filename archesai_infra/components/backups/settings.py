"""Settings of the backups, and what does not fit together in them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from archesai_infra import versions
from archesai_infra.components import storage, workload
from archesai_infra.components.database import ManagedDatabase
from archesai_infra.components.storage import ExternalStorage, ManagedStorage
from archesai_infra.components.workload import Image, Resources, Scheduling
from archesai_infra.credentials import Credential
from archesai_infra.kube.network import INTERNET, Addresses
from archesai_infra.model import Model
from archesai_infra.types import BucketName, Cidr, CronSchedule, DnsLabel, Duration, MemoryQuantity

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from archesai_infra.settings import Settings
    from archesai_infra.versions import ImageVersion

MODULE = "backups"
HOOK_SHARE = 0.8
"""Part of a hook's time that the dump itself may take: the rest is for its end and for reading the answer."""


class Hourly(Model):
    """Backups at regular times."""

    enabled: bool = True
    """Make these backups."""
    cron: CronSchedule = "0 * * * *"
    """When, in UTC."""
    ttl: Duration = "720h"
    """How long each is kept."""


class Daily(Hourly):
    """Backups at regular times."""

    cron: CronSchedule = "20 1 * * *"
    """When, in UTC."""
    ttl: Duration = "2160h"
    """How long each is kept."""


class Weekly(Hourly):
    """Backups at regular times."""

    cron: CronSchedule = "40 2 * * 0"
    """When, in UTC."""
    ttl: Duration = "8760h"
    """How long each is kept."""


class Schedules(Model):
    """When backups are made and how long they are kept."""

    paused: bool = False
    """Make none for now, such as before a lost cluster is restored."""
    hourly: Hourly = Hourly()
    """At most this much is lost."""
    daily: Daily = Daily()
    """For mistakes that are noticed late."""
    weekly: Weekly = Weekly()
    """For mistakes that are noticed very late."""


class Dump(Model):
    """Dumps of the database and of redis, made by each backup before it copies their volume."""

    size: MemoryQuantity | None = None
    """Size of their volume, with room for `keep` + 1; as large as the database's own where it is not set."""
    storage_class: DnsLabel | None = None
    """StorageClass of their volume; the cluster's default where it is not set."""
    keep: int = Field(default=3, ge=2)
    """Dumps that stay on the volume; the bucket holds those of all backups."""
    timeout: int = Field(default=2400, ge=10)
    """Time for one dump and for reading it back, in seconds; at most 0.8 of `hookTimeout`."""
    hook_timeout: int = Field(default=3000, ge=30)
    """Time that Velero waits for one dump, in seconds."""
    compression: int = Field(default=1, ge=0, le=9)
    """Compression of the database's dump: 1 is three times as fast as 6 on embeddings and hardly larger."""
    jobs: int = Field(default=2, ge=1)
    """Connections of a restore."""
    redis: bool = True
    """Dump redis where the module is on; not every external redis hands its data out."""
    image: Image = Image()
    """Image with the database's tools; the database's own where it is not set."""
    redis_image: Image = Image()
    """Image with the tools of redis; redis' own where it is not set."""
    resources: Resources = workload.resources(("50m", "128Mi"), ("1", "1Gi"), ("16Mi", "256Mi"))
    """CPU and memory of the database's dump."""
    redis_resources: Resources = workload.resources(("10m", "32Mi"), ("500m", "4Gi"), ("16Mi", "256Mi"))
    """CPU and memory of redis' dump; a restore takes as much memory as the data."""
    scheduling: Scheduling = Scheduling()
    """Where the pod may run."""

    @model_validator(mode="after")
    def _inside_the_hook(self) -> Self:
        if self.timeout > HOOK_SHARE * self.hook_timeout:
            raise ValueError(
                f"timeout ({self.timeout}) must not be more than {HOOK_SHARE} of hookTimeout ({self.hook_timeout}): "
                "Velero does not stop a dump that it no longer waits for"
            )
        return self


class Objects(Model):
    """The copy of the object storage's bucket."""

    enabled: bool = True
    """Copy the bucket where module storage is on."""
    cron: CronSchedule = "30 * * * *"
    """When, in UTC."""
    keep_days: int = Field(default=30, ge=1)
    """How long replaced and deleted objects stay in the copy, in days."""
    timeout: int = Field(default=21600, ge=60)
    """Time for one run, in seconds; the first copies everything."""
    image: Image = Image()
    """Image of the Job (rclone)."""
    resources: Resources = workload.resources(("50m", "64Mi"), ("1", "512Mi"))
    """CPU and memory of the Job."""


class Drill(Model):
    """A restore of the newest dump into a database server that exists only for it."""

    enabled: bool = False
    """Run the drill."""
    cron: CronSchedule = "15 4 * * *"
    """When, in UTC."""
    max_age: int = Field(default=7200, ge=60)
    """Age of the newest dump from which the drill fails, in seconds."""
    size: MemoryQuantity | None = None
    """Size of the scratch volume; as large as the database's own where it is not set."""
    timeout: int = Field(default=10800, ge=60)
    """Time for one run, in seconds."""
    resources: Resources = workload.resources(("100m", "256Mi"), ("1", "1Gi"), ("16Mi", "256Mi"))
    """CPU and memory of the server."""


class Snapshots(Model):
    """Snapshots of the data volumes by the cluster's CSI driver, besides the dumps."""

    enabled: bool = False
    """Take them; the cluster needs a VolumeSnapshotClass with the label `velero.io/csi-volumesnapshot-class`."""
    move_data: bool = True
    """Copy them to the bucket, so that they outlive the storage system."""


class Velero(Model):
    """Velero itself."""

    install: bool = True
    """Install it as a Helm release; otherwise the namespace has one with a location `default`."""
    namespace: DnsLabel = "velero"
    """Its namespace; Schedules and backups are in it."""
    image: Image = Image()
    """Image of the server and of the node agent."""
    plugin_image: Image = Image()
    """Image of the plugin for S3."""
    resources: Resources = workload.resources(("200m", "256Mi"), ("1", "1Gi"))
    """CPU and memory of the server."""
    node_agent_resources: Resources = workload.resources(("100m", "256Mi"), ("1", "2Gi"))
    """CPU and memory of the agent on each node, and of what copies a volume."""
    role_arn: str | None = Field(default=None, pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/\S+$")
    """AWS role of the service accounts, in place of keys."""
    existing_repository_secret: bool = False
    """The Secret `velero-repo-credentials` is made by others."""


class BackupsSettings(Model):
    """Backups that restore."""

    enabled: bool = False
    """Run the module."""
    bucket: BucketName | None = None
    """Bucket that takes the backups; it exists, and nothing of this cluster keeps it."""
    prefix: str | None = Field(default=None, pattern=r"^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$")
    """Path inside the bucket; stacks that share a bucket need one each."""
    region: str = "us-east-1"
    """Region of the bucket."""
    endpoint: str | None = Field(default=None, pattern=r"^https?://[A-Za-z0-9.:\[\]-]+$")
    """URL of an S3 service that is not AWS, such as `https://s3.example.com`."""
    cidrs: tuple[Cidr, ...] = ("0.0.0.0/0",)
    """Networks the endpoint's addresses are in; the network policies allow no other."""
    existing_secret: DnsLabel | None = None
    """Secret with the key `cloud`, an AWS credentials file, in Velero's namespace and in the stack's."""
    schedules: Schedules = Schedules()
    """When backups are made and how long they are kept."""
    dump: Dump = Dump()
    """Dumps of the database and of redis."""
    objects: Objects = Objects()
    """The copy of the object storage."""
    drill: Drill = Drill()
    """The restore that proves it."""
    snapshots: Snapshots = Snapshots()
    """Snapshots of the data volumes."""
    velero: Velero = Velero()
    """Velero itself."""

    def path(self, part: str) -> str:
        """Path of a part of the backups inside the bucket."""
        return f"{self.prefix}/{part}" if self.prefix else part

    @property
    def endpoint_port(self) -> int:
        """Port of the S3 service."""
        parts = urlsplit(self.endpoint or "https://")
        return parts.port or (80 if parts.scheme == "http" else 443)


def in_own_storage(settings: Settings) -> bool:
    """Whether the backups would lie in the object storage that this stack runs itself."""
    if not isinstance(settings.storage, ManagedStorage) or settings.backups.endpoint is None:
        return False
    host = urlsplit(settings.backups.endpoint).hostname or ""
    inside = (storage.NAME, f"{storage.NAME}-headless")
    suffixes = ("", f".{settings.namespace}", f".{settings.namespace}.svc")
    names = {f"{name}{suffix}" for name in inside for suffix in suffixes}
    public = settings.url("storage")
    return host.removesuffix(".cluster.local") in names or (public is not None and urlsplit(public).hostname == host)


def copies_objects(settings: Settings) -> bool:
    """Whether the object storage's bucket is copied."""
    return settings.backups.enabled and settings.backups.objects.enabled and settings.storage.enabled


def drills_newest(settings: Settings) -> bool:
    """Whether the newest dump is tried."""
    return settings.backups.enabled and settings.backups.drill.enabled and settings.database.enabled


def dumps(settings: Settings) -> tuple[str, ...]:
    """The modules whose content the dump pod dumps."""
    if not settings.backups.enabled:
        return ()
    on = {"database": settings.database.enabled, "redis": settings.redis.enabled and settings.backups.dump.redis}
    return tuple(module for module, enabled in on.items() if enabled)


def images(settings: Settings) -> dict[str, tuple[Image, ImageVersion]]:
    """Every image that only this module runs, by its key, with what it is by default.

    The dump pod runs the images of the servers it dumps unless it is given its own.
    """
    found = settings.backups
    dumped = dumps(settings)
    used: dict[str, tuple[Image, ImageVersion]] = {}
    if "database" in dumped and found.dump.image.model_fields_set:
        used["backups.dump.image"] = (found.dump.image, versions.DATABASE)
    if "redis" in dumped and found.dump.redis_image.model_fields_set:
        used["backups.dump.redisImage"] = (found.dump.redis_image, versions.REDIS)
    if copies_objects(settings):
        used["backups.objects.image"] = (found.objects.image, versions.RCLONE)
    if found.velero.install:
        used["backups.velero.image"] = (found.velero.image, versions.VELERO)
        used["backups.velero.pluginImage"] = (found.velero.plugin_image, versions.VELERO_PLUGIN)
    return used


def requirements(settings: Settings, given: Mapping[Credential, object]) -> list[str]:
    """What is missing or does not fit, as sentences that begin with a key."""
    backups = settings.backups
    found: list[str] = []
    if backups.bucket is None:
        found.append("backups.bucket: is required: a bucket outside this cluster")
    own = in_own_storage(settings)
    if own and settings.production:
        found.append(
            f"backups.endpoint: {backups.endpoint} is this stack's own object storage: "
            "what is lost with the cluster is no backup; name a service elsewhere"
        )
    if not own and backups.bucket == settings.storage.bucket and settings.storage.enabled:
        found += _same_bucket(settings)
    return found + _credentials(settings, given, own=own)


def _same_bucket(settings: Settings) -> list[str]:
    target = urlsplit(settings.backups.endpoint).hostname if settings.backups.endpoint else None
    if not isinstance(settings.storage, ExternalStorage):
        return []
    source = settings.storage.host
    aws = source.endswith(".amazonaws.com") and target is None
    if not (aws or source == target):
        return []
    return ["backups.bucket: is the application's own bucket: its copy would be copied again; name another"]


def _credentials(settings: Settings, given: Mapping[Credential, object], *, own: bool) -> list[str]:
    backups = settings.backups
    keys = [key for key in (Credential.BACKUPS_ACCESS_KEY, Credential.BACKUPS_SECRET_KEY) if key in given]
    found: list[str] = []
    if len(keys) == 1:
        other = ({Credential.BACKUPS_ACCESS_KEY, Credential.BACKUPS_SECRET_KEY} - set(keys)).pop()
        found.append(f"{keys[0]}: needs its other half: pulumi config set --secret {other}")
    sources = {
        "backups.existingSecret": backups.existing_secret is not None,
        "backups.velero.roleArn": backups.velero.role_arn is not None,
        "backupsAccessKey": bool(keys),
    }
    used = [key for key, on in sources.items() if on]
    if len(used) > 1:
        found.append(f"{used[0]}: also set is {used[1]}; keep one of the two")
    if not used and not own:
        found.append(
            "backups: the bucket needs its keys: pulumi config set --secret backupsAccessKey and backupsSecretKey, "
            "or set backups.existingSecret or backups.velero.roleArn"
        )
    if backups.velero.existing_repository_secret and Credential.BACKUPS_REPOSITORY_PASSWORD in given:
        found.append("backups.velero.existingRepositorySecret: also set is backupsRepositoryPassword; keep one")
    return found


def bucket_peer(settings: Settings) -> Addresses:
    """Where the bucket is, as network policies see it."""
    if settings.backups.endpoint is None:
        return INTERNET
    return Addresses("backups' bucket", settings.backups.cidrs)


def volume_size(settings: Settings) -> str:
    """Size of a volume that holds the database, a Kubernetes quantity."""
    return settings.database.size if isinstance(settings.database, ManagedDatabase) else "10Gi"
