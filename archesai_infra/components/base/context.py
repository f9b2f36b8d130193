"""What all components of a stack share, and where one of them is reached."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pulumi

from archesai_infra.components.base.external_secrets import ExternalStore
from archesai_infra.components.base.pull_secret import PullSecret
from archesai_infra.components.base.settings import Image, ImageSource, StackScheduling
from archesai_infra.kube.chart_network import ChartNetwork
from archesai_infra.kube.network import Flow
from archesai_infra.quantities import memory_bytes
from archesai_infra.versions import ImageVersion


@dataclass(frozen=True)
class Endpoint:
    """Where a module is reached, by pods of the stack."""

    host: str
    port: int

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """`http://host:port`."""
        return f"http://{self.address}"


@dataclass(frozen=True)
class Context:
    """What all components of a stack share; plain values but for the two that keep others and secrets safe."""

    instance: str
    """Name of the stack; `app.kubernetes.io/instance` of every object."""
    namespace: str
    production: bool
    """Data and the namespace are protected against deletion by Pulumi."""
    retain: bool
    """Volumes and the namespace stay when they leave the stack, and are taken over when they come back."""
    registry: ImageSource
    """Where images are pulled from."""
    pull_policy: str | None
    """When nodes pull; by the image, where it is None."""
    pull_secret: PullSecret | None
    """Login of a private registry."""
    scheduling: StackScheduling
    """Where pods may run unless their module says otherwise."""
    flows: tuple[Flow, ...]
    chart_network: ChartNetwork
    """Who the pods of charts talk to."""
    registries: tuple[str, ...]
    """Registries of the stack's images where they are not those of the shipped versions; for the policy pack."""
    strict: Callable[[], pulumi.ProviderResource]
    """The provider for what others may have made and `destroy` would take from them: it refuses what exists already.

    Each provider is a process that every preview starts and configures, so it is made when it is first asked for.
    """
    fingerprint: Callable[[Sequence[pulumi.Input[str]]], pulumi.Output[str]]
    """A keyed digest of secret values: it changes when they do and says nothing about them."""
    unprotected: frozenset[str] = frozenset()
    """Modules whose data production may remove."""
    data: set[str] = field(default_factory=set[str], compare=False)
    """Modules with data; each component adds itself when it declares some."""

    external: ExternalStore | None = None
    """Store outside of the cluster that holds the secret values."""
    generates: bool = True
    """Whether secret values may be generated; a controller that applies manifests has none but by reference."""
    traffic_distribution: str | None = None
    """Which pods the Services of modules without data prefer; any, where it is None."""
    user_namespaces: bool = False
    """Whether pods without volumes that stay get a user namespace of their own."""
    grown: Mapping[str, str] = field(default_factory=dict[str, str])
    """The largest size that each claim has asked for until now."""
    volumes: dict[str, str] = field(default_factory=dict[str, str], compare=False)
    """Size by claim; each component adds its own."""

    @property
    def worker_priority_class(self) -> str | None:
        """PriorityClass of pods that make way for the others."""
        own = self.scheduling
        return f"{self.namespace}-workers" if own.worker_priority is not None else own.worker_priority_class

    def volume_size(self, claim: str, wanted: str) -> str:
        """The size that a claim asks for: no volume shrinks, so never less than before."""
        before = self.grown.get(claim, wanted)
        if memory_bytes(before) > memory_bytes(wanted):
            pulumi.log.warn(f"no volume shrinks: claim {claim} keeps {before} instead of {wanted}")
            wanted = before
        self.volumes[claim] = wanted
        return wanted

    def protects(self, module: str) -> bool:
        """Whether Pulumi refuses to delete or replace a module's data."""
        return self.production and module not in self.unprotected

    @property
    def protected(self) -> list[str]:
        """The modules declared until now whose data is protected."""
        return sorted(module for module in self.data if self.protects(module))

    def image(self, image: Image, default: ImageVersion) -> str:
        """Reference of an image, through the mirror where there is one."""
        return image.reference(default, self.registry)

    @property
    def chart_pull_secret(self) -> str | None:
        """Name of the Secret for the images of charts, which only a mirror with a login asks for."""
        return self.pull_secret.name if self.pull_secret is not None and self.mirror is not None else None

    @property
    def mirror(self) -> str | None:
        """ImageSource that replaces every image's own."""
        return self.registry.mirror
