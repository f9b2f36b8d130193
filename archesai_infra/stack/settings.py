"""Everything a stack can set, and the rules between modules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from archesai_infra.components.api import ApiSettings
from archesai_infra.components.backups.settings import BackupsSettings
from archesai_infra.components.base.charts import ChartsSettings
from archesai_infra.components.base.external_secrets import ExternalSecretsSettings
from archesai_infra.components.base.settings import ImageSource, Module, PodImages, StackScheduling
from archesai_infra.components.database import ClusterDatabase, ExternalDatabase, ManagedDatabase
from archesai_infra.components.database.cluster.settings import ClusterSettings
from archesai_infra.components.gitops import GitopsSettings
from archesai_infra.components.ingress.settings import IngressSettings
from archesai_infra.components.migrations import MigrationsSettings
from archesai_infra.components.monitoring.settings import MonitoringSettings
from archesai_infra.components.platform import PlatformSettings
from archesai_infra.components.redis import ExternalRedis, ManagedRedis, ReplicatedRedis
from archesai_infra.components.scraper import ScraperSettings
from archesai_infra.components.security import SecuritySettings
from archesai_infra.components.storage import ExternalStorage, ManagedStorage
from archesai_infra.components.unstructured import UnstructuredSettings
from archesai_infra.kube.network import Addresses, Entity
from archesai_infra.model import Model
from archesai_infra.types import Cidr, DnsLabel, Hostname, ImageDigest, ImageName, ImageRepository, KubernetesMinor


def _form(*other: str) -> Callable[[object], str]:
    """Which form of a data module is meant; managed where none or an unknown one is named."""

    def form(value: object) -> str:
        mode = value.get("mode") if isinstance(value, dict) else getattr(value, "mode", "managed")
        return mode if isinstance(mode, str) and mode in other else "managed"

    return form


Database = Annotated[
    Annotated[ManagedDatabase, Tag("managed")]
    | Annotated[ClusterDatabase, Tag("cluster")]
    | Annotated[ExternalDatabase, Tag("external")],
    Discriminator(_form("cluster", "external")),
]
Redis = Annotated[
    Annotated[ManagedRedis, Tag("managed")]
    | Annotated[ReplicatedRedis, Tag("replicated")]
    | Annotated[ExternalRedis, Tag("external")],
    Discriminator(_form("replicated", "external")),
]
Storage = Annotated[
    Annotated[ManagedStorage, Tag("managed")] | Annotated[ExternalStorage, Tag("external")],
    Discriminator(_form("external")),
]
DataModule = (
    ManagedDatabase
    | ClusterDatabase
    | ExternalDatabase
    | ManagedRedis
    | ReplicatedRedis
    | ExternalRedis
    | ManagedStorage
    | ExternalStorage
)
"""Settings of a module that holds data."""


class Cluster(Model):
    """The cluster that the stack lives in."""

    context: str | None = None
    """Context of the kubeconfig; the current one where it is not set. Production needs it to be set for `up`."""
    kubeconfig: str | None = None
    """Path of the kubeconfig; `$KUBECONFIG` or the usual place where it is not set."""
    kubernetes_version: KubernetesMinor = "1.34"
    """Minor version of the API servers, the oldest during an upgrade: what newer ones have is used from then on."""
    same_zone: bool = False
    """Requests to modules without data stay in the caller's zone where a pod is ready there. Set it where traffic
    between zones costs more than pods that are not used alike: it asks for several pods in each zone."""
    api_server: tuple[Cidr, ...] = ()
    """Addresses of the API server, for pods that ask it (`api.kubernetesAccess`, those of charts): that of the Service
    `kubernetes` in namespace `default` and those of its EndpointSlice, such as `10.96.0.1/32`; network plugins look at
    either. With them the namespaces of charts are closed both ways but for what their pods need."""
    cilium: bool = False
    """Cilium enforces the network policies: CiliumNetworkPolicies name the API server in place of `apiServer`, whose
    addresses Cilium does not match where they are nodes of the cluster."""

    @property
    def minor(self) -> int:
        """Second number of the API servers' version."""
        return int(self.kubernetes_version.partition(".")[2])

    @property
    def api_server_peers(self) -> tuple[Addresses | Entity, ...]:
        """The API server in each form that network policies can name it."""
        addresses = (Addresses("kubernetes api", self.api_server),) if self.api_server else ()
        return (*addresses, Entity("kube-apiserver")) if self.cilium else addresses


class Images(Model):
    """What holds for every image."""

    registry: ImageRepository | None = None
    """Registry, with a path if need be, that replaces every image's own."""
    pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = None
    """When nodes pull; where it is not set, `IfNotPresent` for images with a digest and `Always` for others.
    Set `IfNotPresent` for images that were loaded into a local cluster."""
    digests: dict[ImageName, ImageDigest] = Field(default_factory=dict)
    """Lock of the stack's images: digest by `repository:tag`, without the mirror. Written by `arches images --lock`."""

    @property
    def source(self) -> ImageSource:
        """Where images are pulled from."""
        return ImageSource(self.registry, self.digests)


class SecretsSettings(Model):
    """Where secret values are kept."""

    external: ExternalSecretsSettings | None = None
    """Take secret values from a store that the External Secrets Operator reads; none is generated.
    A module with an `existingSecret` keeps to that."""


class Settings(Model):
    """All settings of a stack: one key for each module and a few that hold for all of them."""

    environment: Literal["development", "production"]
    """`production` protects data against deletion, refuses unpinned images and wants a pinned cluster."""
    namespace: DnsLabel = "archesai"
    """Namespace of the stack; stacks that share a cluster need one each."""
    domain: Hostname = "localhost"
    """Domain below which the hosts are."""
    retain_data: bool = True
    """Volumes, the namespace and that of the monitoring outlive `destroy` and switched-off modules, and are taken over
    when they come back."""
    restoring: bool = False
    """Declare only the namespace and Velero, on a new cluster, until `arches restore` has brought the data back."""
    cluster: Cluster = Cluster()
    """The cluster."""
    images: Images = Images()
    """Every image's registry and pull policy."""
    scheduling: StackScheduling = StackScheduling()
    """Where every pod of the stack may run, those of Helm charts included. A module's own tolerations add to these; its
    own node selector and priority class replace these."""
    charts: ChartsSettings = ChartsSettings()
    """Where Helm charts come from."""
    security: SecuritySettings = SecuritySettings()
    """The namespace's own rules."""
    secrets: SecretsSettings = SecretsSettings()
    """Where secret values are kept."""
    api: ApiSettings = ApiSettings()
    """The Go REST server."""
    platform: PlatformSettings = PlatformSettings()
    """The React frontend."""
    database: Database = Field(default_factory=ManagedDatabase)
    """PostgreSQL with pgvector."""
    migrations: MigrationsSettings = MigrationsSettings()
    """Database migrations."""
    redis: Redis = Field(default_factory=ManagedRedis)
    """Redis."""
    storage: Storage = Field(default_factory=ManagedStorage)
    """S3-compatible object storage."""
    unstructured: UnstructuredSettings = UnstructuredSettings()
    """Document processing."""
    scraper: ScraperSettings = ScraperSettings()
    """Web scraping."""
    ingress: IngressSettings = IngressSettings()
    """The way in from outside the cluster."""
    backups: BackupsSettings = BackupsSettings()
    """Backups that restore."""
    monitoring: MonitoringSettings = MonitoringSettings()
    """Metrics, logs, dashboards and alerts."""
    gitops: GitopsSettings = GitopsSettings()
    """Argo CD in place of Pulumi as what changes the cluster."""

    @property
    def production(self) -> bool:
        """Whether the stack holds data that must not be lost."""
        return self.environment == "production"

    @property
    def modules(self) -> dict[str, bool]:
        """Every module that can be switched, and whether it is on."""
        return {
            name: part.enabled if isinstance(part, Module) else self.migrates_by_job
            for name, part in self
            if isinstance(part, Module | MigrationsSettings)
        }

    @property
    def data_modules(self) -> dict[str, DataModule]:
        """The modules that hold data."""
        return {"database": self.database, "redis": self.redis, "storage": self.storage}

    @property
    def database_cluster(self) -> ClusterSettings | None:
        """The cluster of PostgreSQL, where the stack runs one."""
        own = self.database
        return own.cluster if isinstance(own, ClusterDatabase | ExternalDatabase) and own.enabled else None

    @property
    def exports_database(self) -> bool:
        """Whether the database's metrics come from an exporter of the stack; instances of a cluster have their own."""
        own = self.database
        return own.enabled and (not isinstance(own, ClusterDatabase) or own.serves_from_single_pod)

    @property
    def pod_images(self) -> PodImages:
        """Images of the modules' own pods, by the key of each."""
        return {
            f"{name}.{key}": image
            for name, part in self
            if isinstance(part, Module)
            for key, image in part.pod_images.items()
        }

    @property
    def kept_namespaces(self) -> tuple[str, ...]:
        """Namespaces with volumes."""
        return (self.namespace, *((self.monitoring.namespace,) if self.monitoring.installs else ()))

    @property
    def migrates_by_job(self) -> bool:
        """Whether a Job migrates the database before the api rolls."""
        return self.api.enabled and self.database.enabled and self.migrations.mode == "job"

    def url(self, module: str) -> str | None:
        """Public URL of a module, if it has one."""
        host = self.ingress.hosts.of(module)
        if not (self.ingress.enabled and self._serves(module)) or host is None:
            return None
        return self.ingress.url(host, self.domain)

    def _serves(self, host: str) -> bool:
        """Whether there is something behind a host: Grafana only where the stack runs it."""
        return self.monitoring.installs if host == "grafana" else self.modules[host]
