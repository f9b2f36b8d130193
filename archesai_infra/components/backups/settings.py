"""Settings of the backups, and what does not fit together in them."""

from __future__ import annotations

from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from archesai_infra.components.base import settings as workload
from archesai_infra.components.base.settings import Image, Module, Resources, Scheduling
from archesai_infra.model import Model
from archesai_infra.types import BucketName, Cidr, CronSchedule, DnsLabel, Duration, MemoryQuantity

MODULE = "backups"
HOOK_SHARE = 0.8
"""Part of a hook's time that the dump itself may take: the rest is for its end and for reading the answer."""


class Schedule(Model):
    """Backups at regular times."""

    enabled: bool = True
    """Make these backups."""
    cron: CronSchedule = "0 * * * *"
    """When, in UTC."""
    ttl: Duration = "72h"
    """How long each is kept."""


class Daily(Schedule):
    """Backups at regular times."""

    cron: CronSchedule = "20 1 * * *"
    """When, in UTC."""
    ttl: Duration = "2160h"
    """How long each is kept."""


class Weekly(Schedule):
    """Backups at regular times."""

    cron: CronSchedule = "40 2 * * 0"
    """When, in UTC."""
    ttl: Duration = "8760h"
    """How long each is kept."""


class Schedules(Model):
    """When backups are made and how long they are kept."""

    paused: bool = False
    """Make none for now, such as before a lost cluster is restored."""
    hourly: Schedule = Schedule()
    """At most this much is lost."""
    daily: Daily = Daily()
    """For mistakes that are noticed late."""
    weekly: Weekly = Weekly()
    """For mistakes that are noticed very late."""


class Dump(Model):
    """Dumps of the database and of redis, made by each backup before it copies their volume."""

    size: MemoryQuantity | None = None
    """Size of their volume; where it is not set, `keep` + 1 dumps of `share` of the database's own volume."""
    storage_class: DnsLabel | None = None
    """StorageClass of their volume; the cluster's default where it is not set."""
    share: float = Field(default=0.9, gt=0, le=3)
    """Size of a dump as a part of the database's volume: 0.85 was measured for rows that do not compress."""
    keep: int = Field(default=2, ge=2)
    """Dumps that stay on the volume; the bucket holds those of all backups."""
    timeout: int = Field(default=2400, ge=10)
    """Time for one dump and for reading it back, in seconds; at most 0.8 of `hookTimeout`."""
    hook_timeout: int = Field(default=3000, ge=30)
    """Time that Velero waits for one dump, in seconds."""
    compression: int = Field(default=1, ge=1, le=9)
    """Compression of the database's dump by gzip, in blocks that restart where the content does: a changed row
    changes little of the dump, and the bucket keeps only what is new. 1 is three times as fast as 6 on embeddings."""
    jobs: int = Field(default=2, ge=1)
    """Parallel workers of the server while a restore builds indexes."""
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
    """A restore of the newest dump into a database server that exists only for it.

    Where the database is a cluster with an archive, another server is recovered from the archive.
    """

    enabled: bool = False
    """Run the drill."""
    cron: CronSchedule = "15 4 * * *"
    """When, in UTC."""
    max_age: int = Field(default=7200, ge=60)
    """Age of the newest dump from which the drill fails, and time in which what is written to the database has to come
    into its archive, in seconds."""
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
    """The Secret `velero-repo-credentials` exists already."""


class BackupsSettings(Module):
    """Backups that restore."""

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
    secrets: bool = False
    """Put the namespace's Secrets into the backups, where every reader of the bucket can read them. Without it,
    a restore takes them from the state or from the configuration, and you keep those that the stack does not make."""
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
