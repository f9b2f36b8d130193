"""Settings of the cluster of instances."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from archesai_infra import versions
from archesai_infra.components.base.settings import Image, Resources, Workload, resources
from archesai_infra.components.database.cluster.archive.settings import Archive, Recovery
from archesai_infra.components.database.major import major
from archesai_infra.components.database.tuning import Postgres
from archesai_infra.kube.names import object_name
from archesai_infra.model import Model
from archesai_infra.types import DnsLabel, MemoryQuantity

CLUSTER = object_name("db")
"""Begin of the cluster's name; the operator calls Services, claims, Secrets and roles after it."""


class Volume(Model):
    """A volume of each instance."""

    size: MemoryQuantity
    """Size; it can grow, not shrink."""
    storage_class: DnsLabel | None = None
    """StorageClass; the cluster's default where it is not set."""


class Synchronous(Model):
    """Which standbys must have a transaction before it counts as committed."""

    method: Literal["any", "first"] = "any"
    """`any`: that many of all standbys; `first`: those with the lowest numbers."""
    number: int = Field(default=1, ge=1)
    """Standbys that must have it; fewer than `instances`."""
    data_durability: Literal["required", "preferred"] = "required"
    """Without enough standbys, `required` stops writes and `preferred` goes on and may lose what it then commits."""
    failover_quorum: bool = True
    """Promote a standby only where it is certain that one of those that answer has every commit."""


class ClusterSettings(Workload):
    """The instances."""

    instances: int = Field(default=3, ge=1)
    """Instances: one primary, the others are standbys."""
    synchronous: Synchronous | None = Synchronous()
    """Synchronous replication; null loses the last transactions when the primary is lost."""
    storage: Volume = Volume(size="20Gi")
    """Volume with the data of each instance."""
    wal_storage: Volume | None = Volume(size="10Gi")
    """Volume with the write-ahead log of each instance; null keeps it beside the data. It can be added later and never
    removed."""
    anti_affinity: Literal["required", "preferred"] = "required"
    """Whether two instances may share a node: never, or only where there is no other."""
    resources: Resources = resources(("500m", "2Gi"), ("2", "2Gi"), ("256Mi", "3Gi"))
    """CPU and memory of each instance; the memory request must hold `shared_buffers`."""
    postgres: Postgres = Postgres()
    """Server settings."""
    ssl_mode: Literal["disable", "require"] = "require"
    """`sslmode` of the stack's own connections; the single pod that still serves has no TLS."""
    read_service: bool = False
    """Add the Service `archesai-postgres-read`, which leads to the standbys."""
    generation: int = Field(default=1, ge=1)
    """Number at the end of the cluster's name: another number is another, new cluster."""
    beside: int | None = Field(default=None, ge=1)
    """Generation of a second cluster that runs without being asked: one that is recovered, or the one before."""
    recovered: tuple[Recovery, ...] = ()
    """Clusters that begin from an archive; an entry is read once, and stays."""
    archive: Archive = Archive()
    """Base backups and the write-ahead log, for a recovery to any moment."""
    existing_user_secret: DnsLabel | None = None
    """With `database.existingSecret`: Secret of type `kubernetes.io/basic-auth` with `username` (`applicationUser`) and
    `password`, the same as in `DATABASE_URL`."""
    operator: Literal["install", "existing"] = "install"
    """`existing` uses the CloudNativePG that the Kubernetes cluster has."""
    operator_namespace: DnsLabel = "cnpg-system"
    """Namespace of the operator: of the release and nothing else, or of the existing one."""
    operator_replicas: int = Field(default=1, ge=1)
    """Pods of the operator that the stack installs."""
    operator_image: Image = Image()
    """Image of the operator that the stack installs, which every instance also starts with."""

    @property
    def name(self) -> str:
        """Name of the Cluster."""
        return f"{CLUSTER}-{self.generation}"

    @property
    def all(self) -> tuple[ClusterSettings, ...]:
        """The cluster that serves, and the one beside it."""
        return (self, *([self.of(self.beside)] if self.beside else []))

    def of(self, generation: int) -> ClusterSettings:
        """The same of another generation."""
        return self.model_copy(update={"generation": generation, "beside": None})

    @property
    def recovery(self) -> Recovery | None:
        """The archive that this generation begins from; None where it begins empty."""
        return next((item for item in self.recovered if item.generation == self.generation), None)

    @property
    def major(self) -> str | None:
        """PostgreSQL's major version by the image's tag; None where it does not tell."""
        return major(f":{self.image.tag_or(versions.POSTGRES)}")
