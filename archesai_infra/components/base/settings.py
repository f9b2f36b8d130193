"""Settings that modules which run pods have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal, Self

from pulumi_kubernetes.core.v1 import PodSecurityContextArgsDict, ResourceRequirementsArgsDict
from pydantic import ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from archesai_infra.kube.images import image_reference
from archesai_infra.kube.pods import UNPRIVILEGED_ID, Placement, pod_security
from archesai_infra.model import Model
from archesai_infra.quantities import cpu_cores, memory_bytes
from archesai_infra.types import (
    CpuQuantity,
    DnsLabel,
    ImageDigest,
    ImageRepository,
    ImageTag,
    IpAddress,
    MemoryQuantity,
    Percent,
    Port,
    UserId,
)
from archesai_infra.versions import ImageVersion


@dataclass(frozen=True)
class ImageSource:
    """Where images are pulled from, and which of them a lock pins."""

    mirror: str | None = None
    """ImageSource that replaces every image's own."""
    digests: Mapping[str, str] = field(default_factory=dict[str, str])
    """Digest by `repository:tag`, without the mirror."""


class Image(Model):
    """A container image; what is not set is the version the program was released with."""

    repository: ImageRepository | None = None
    """Repository without tag, such as `ghcr.io/archesai/api`."""
    tag: ImageTag | None = None
    """Tag; `latest` is refused in production."""
    digest: ImageDigest | None = None
    """Digest of the image; the pull is by digest where it is set."""

    def reference(self, default: ImageVersion, registry: ImageSource) -> str:
        """The whole reference, with `default` for what is not set and the digest of the lock where it has one."""
        digest = self.digest or registry.digests.get(self.locked_as(default))
        return image_reference(self.repository or default.repository, self.tag_or(default), digest, registry.mirror)

    def locked_as(self, default: ImageVersion) -> str:
        """`repository:tag`, the name of the image in a lock."""
        return f"{self.repository or default.repository}:{self.tag_or(default)}"

    def tag_or(self, default: ImageVersion) -> str:
        """The tag that is used."""
        return self.tag or default.tag


def _nothing_required(schema: JsonDict) -> None:
    """A stack file may leave out any part: the module's default fills it."""
    schema.pop("required", None)


class Amounts(Model):
    """Amounts of compute resources; what is not set is the module's default."""

    model_config = ConfigDict(json_schema_extra=_nothing_required)

    cpu: CpuQuantity
    """CPU, such as `250m` or `1`."""
    memory: MemoryQuantity
    """Memory, such as `512Mi`."""
    ephemeral_storage: MemoryQuantity = "1Gi"
    """Disk for logs, the writable layer and scratch volumes."""

    def quantities(self) -> dict[str, str]:
        """By the names that Kubernetes gives them."""
        return {"cpu": self.cpu, "memory": self.memory, "ephemeral-storage": self.ephemeral_storage}


class Resources(Model):
    """Requests (what the scheduler reserves) and limits (what a container can take at most)."""

    model_config = ConfigDict(json_schema_extra=_nothing_required)

    requests: Amounts
    """What the scheduler reserves."""
    limits: Amounts
    """What a container can take at most."""

    @model_validator(mode="after")
    def _requests_fit_limits(self) -> Self:
        for name, number in (("cpu", cpu_cores), ("memory", memory_bytes), ("ephemeral_storage", memory_bytes)):
            request, limit = getattr(self.requests, name), getattr(self.limits, name)
            if number(request) > number(limit):
                raise ValueError(f"requests.{name} ({request}) must not be more than limits.{name} ({limit})")
        return self

    def requirements(self) -> ResourceRequirementsArgsDict:
        """As Kubernetes has them."""
        return {"requests": self.requests.quantities(), "limits": self.limits.quantities()}


def resources(
    requests: tuple[str, str], limits: tuple[str, str], ephemeral_storage: tuple[str, str] = ("64Mi", "1Gi")
) -> Resources:
    """Resources from (cpu, memory) pairs; for defaults in code."""
    return Resources.model_validate(
        {
            "requests": {"cpu": requests[0], "memory": requests[1], "ephemeralStorage": ephemeral_storage[0]},
            "limits": {"cpu": limits[0], "memory": limits[1], "ephemeralStorage": ephemeral_storage[1]},
        }
    )


class Toleration(Model):
    """Lets pods run on nodes with a matching taint."""

    key: str | None = None
    """Key of the taint; every key where it is not set."""
    operator: Literal["Equal", "Exists"] = "Equal"
    """Whether the value has to match."""
    value: str | None = None
    """Value of the taint."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """Effect of the taint; every effect where it is not set."""
    toleration_seconds: int | None = None
    """How long a pod stays after a `NoExecute` taint came, in seconds."""


class Scheduling(Model):
    """Where pods may run."""

    node_selector: dict[str, str] = Field(default_factory=dict)
    """Labels that a node must have."""
    tolerations: tuple[Toleration, ...] = ()
    """Taints that the pods tolerate."""
    priority_class: DnsLabel | None = None
    """Name of an existing PriorityClass."""

    def yielding(self, worker_class: str | None) -> Scheduling:
        """These settings with the workers' PriorityClass, where they name none."""
        return self.model_copy(update={"priority_class": self.priority_class or worker_class})

    def over(self, stack: Scheduling) -> Scheduling:
        """These settings over those of the whole stack: tolerations add up, the others replace the stack's."""
        added = tuple(item for item in stack.tolerations if item not in self.tolerations)
        return self.model_copy(
            update={
                "node_selector": self.node_selector or stack.node_selector,
                "tolerations": self.tolerations + added,
                "priority_class": self.priority_class or stack.priority_class,
            }
        )

    def placement(self) -> Placement:
        """As the pod builder takes it."""
        tolerations = [item.model_dump(exclude_none=True, by_alias=True) for item in self.tolerations]
        return Placement(self.node_selector, tolerations, self.priority_class)


class StackScheduling(Scheduling):
    """Where the pods of a whole stack may run."""

    worker_priority_class: DnsLabel | None = None
    """Name of an existing PriorityClass for the pods of unstructured and scraper, of a value below the others': where
    a node is full, they make way for data and the api."""
    worker_priority: int | None = Field(default=None, ge=-2147483648, le=-1)
    """Make the PriorityClass `<namespace>-workers` of this value, such as -100, for the same pods; they displace no
    others."""

    @model_validator(mode="after")
    def _one_class(self) -> Self:
        if self.worker_priority is not None and self.worker_priority_class is not None:
            raise ValueError("workerPriority: workerPriorityClass names an existing class: remove one")
        return self


class Autoscaling(Model):
    """A HorizontalPodAutoscaler; while it is on, it owns the number of replicas."""

    enabled: bool = False
    """Scale by load."""
    min_replicas: int = Field(default=3, ge=1)
    """Lower limit of the autoscaler, in pods."""
    max_replicas: int = Field(default=10, ge=1)
    """Upper limit of the autoscaler, in pods."""
    cpu: Percent = 70
    """Use of the CPU request that is aimed at, in percent."""
    memory: Percent = 80
    """Use of the memory request that is aimed at, in percent."""
    tolerance: int | None = Field(default=None, ge=1, le=50)
    """Deviation from what is aimed at that changes nothing, in percent of it; 10 where it is not set. Needs
    `cluster.kubernetesVersion` 1.35: older servers drop the field and say nothing."""

    @model_validator(mode="after")
    def _range(self) -> Self:
        if self.min_replicas > self.max_replicas:
            raise ValueError(
                f"minReplicas ({self.min_replicas}) must not be more than maxReplicas ({self.max_replicas})"
            )
        return self


class RunOnHost(Model):
    """A process on the developer's machine that takes the place of the pods, behind the same Service."""

    ip: IpAddress
    """Address of the machine as the cluster sees it, such as `172.18.0.1` for k3d."""
    port: Port
    """Port of the process; pods keep using the Service's own port."""


PodImages = Mapping[str, tuple[Image, ImageVersion]]
"""Images of a module's pods: what is set and the default that fills it, by the key below the module's."""


class Module(Model):
    """What every module can set, a component that a stack switches."""

    enabled: bool = False
    """Run the module."""

    @property
    def runs_pods(self) -> bool:
        """Whether pods of the module run in the cluster."""
        return self.enabled

    @property
    def pod_images(self) -> PodImages:
        """Images of the module's own pods; those of Helm charts are the charts'."""
        return {}


class ExternalModule(Module):
    """What every module whose server is elsewhere can set."""

    @property
    def runs_pods(self) -> bool:
        """Never: the server is elsewhere."""
        return False


class Workload(Model):
    """What all pods can set."""

    image: Image = Image()
    """Image of the pods."""
    scheduling: Scheduling = Scheduling()
    """Where the pods may run."""


class WorkloadModule(Workload, Module):
    """What every module that runs pods of one image can set."""

    default_image: ClassVar[ImageVersion]

    @property
    def tag(self) -> str:
        """Tag of the image of its pods."""
        return self.image.tag_or(self.default_image)

    @property
    def pod_images(self) -> PodImages:
        """The image of its pods, where it runs any."""
        return {"image": (self.image, self.default_image)} if self.runs_pods else {}


class HostableModule(WorkloadModule):
    """What modules whose server may run on the developer's machine can set."""

    run_on_host: RunOnHost | None = None
    """Use a process on the developer's machine instead of pods."""

    @property
    def runs_pods(self) -> bool:
        """Whether the server runs in the cluster and not on the developer's machine."""
        return self.enabled and self.run_on_host is None


class VolumeOwner(Model):
    """What modules with volumes can set about them and about who their files belong to."""

    storage_class: DnsLabel | None = None
    """StorageClass of the volume; the cluster's default where it is not set."""
    run_as_user: UserId = UNPRIVILEGED_ID
    """User that the server runs as, to whom the files on the volume belong; 999 for data that most images of
    PostgreSQL and redis wrote without being told otherwise. `arches adopt` sets it."""
    run_as_group: UserId | None = None
    """Group of the server and of its volumes; the number of the user where it is not set."""

    @property
    def security(self) -> PodSecurityContextArgsDict:
        """The pod's identity."""
        return pod_security(self.run_as_user, self.run_as_group or self.run_as_user)


class DataVolume(VolumeOwner):
    """What modules with one volume can set about it besides."""

    default_claim: ClassVar[str]

    claim_name: DnsLabel | None = None
    """Claim on the volume, `archesai-<server>-data` if not set; one that exists is taken over with its data, whose
    files must belong to `runAsUser`."""

    @property
    def claim(self) -> str:
        """Name of the claim that holds the data."""
        return self.claim_name or self.default_claim


class ScaledWorkload(WorkloadModule):
    """What modules whose number of pods can follow the load can set."""

    replicas: int = Field(default=1, ge=1)
    """Pods while autoscaling is off; `autoscaling.minReplicas`, where that is set and this is not."""
    autoscaling: Autoscaling = Autoscaling()
    """Scale by load."""

    @property
    def pods(self) -> int:
        """Number of pods without an autoscaler: switching it off never goes below its minimum unless asked to."""
        if "replicas" in self.model_fields_set or "min_replicas" not in self.autoscaling.model_fields_set:
            return self.replicas
        return self.autoscaling.min_replicas


class ScaledModule(HostableModule, ScaledWorkload):
    """The same for modules whose server may run on the developer's machine."""
