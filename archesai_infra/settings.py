"""Everything a stack can set, and the rules between modules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Discriminator, Field, Tag

from archesai_infra import versions
from archesai_infra.components import api, database, redis, security, storage
from archesai_infra.components.api import ApiSettings
from archesai_infra.components.backups import settings as backups
from archesai_infra.components.backups.settings import BackupsSettings
from archesai_infra.components.charts import ChartsSettings
from archesai_infra.components.database import ExternalDatabase, ManagedDatabase
from archesai_infra.components.ingress import IngressSettings
from archesai_infra.components.migrations import MigrationsSettings
from archesai_infra.components.monitoring import settings as monitoring
from archesai_infra.components.monitoring.prometheus_stack import NODE_NAMESPACE
from archesai_infra.components.monitoring.settings import MonitoringSettings
from archesai_infra.components.platform import PlatformSettings
from archesai_infra.components.redis import ExternalRedis, ManagedRedis
from archesai_infra.components.scraper import ScraperSettings
from archesai_infra.components.security import SecuritySettings
from archesai_infra.components.storage import ExternalStorage, ManagedStorage
from archesai_infra.components.unstructured import UnstructuredSettings
from archesai_infra.model import Model
from archesai_infra.types import DnsLabel, Hostname, ImageRepository

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from archesai_infra.components.workload import Image
    from archesai_infra.credentials import Credential


def _mode(value: object) -> str:
    """Which of a data module's two forms is meant; a server in the cluster where nothing is said."""
    if isinstance(value, dict):
        return "external" if value.get("mode") == "external" else "managed"
    return str(getattr(value, "mode", "managed"))


Database = Annotated[
    Annotated[ManagedDatabase, Tag("managed")] | Annotated[ExternalDatabase, Tag("external")], Discriminator(_mode)
]
Redis = Annotated[
    Annotated[ManagedRedis, Tag("managed")] | Annotated[ExternalRedis, Tag("external")], Discriminator(_mode)
]
Storage = Annotated[
    Annotated[ManagedStorage, Tag("managed")] | Annotated[ExternalStorage, Tag("external")], Discriminator(_mode)
]


class Cluster(Model):
    """The cluster that the stack lives in."""

    context: str | None = None
    """Context of the kubeconfig; the current one where it is not set. Production needs it to be set for `up`."""
    kubeconfig: str | None = None
    """Path of the kubeconfig; `$KUBECONFIG` or the usual place where it is not set."""


class Images(Model):
    """What holds for every image."""

    registry: ImageRepository | None = None
    """Registry, with a path if need be, that replaces every image's own."""
    pull_policy: Literal["Always", "IfNotPresent", "Never"] = "Always"
    """When nodes pull; `IfNotPresent` for images that were loaded into a local cluster."""


class Settings(Model):
    """All settings of a stack: one key for each module and a few that hold for all of them."""

    environment: Literal["development", "production"]
    """`production` protects data against deletion, refuses unpinned images and wants a pinned cluster."""
    namespace: DnsLabel = "archesai"
    """Namespace of the stack; stacks that share a cluster need one each."""
    domain: Hostname = "localhost"
    """Domain below which the hosts are."""
    retain_data: bool = True
    """Volumes and the namespace outlive `destroy` and switched-off modules, and are taken over when they come back."""
    cluster: Cluster = Cluster()
    """The cluster."""
    images: Images = Images()
    """Every image's registry and pull policy."""
    charts: ChartsSettings = ChartsSettings()
    """Where Helm charts come from."""
    security: SecuritySettings = SecuritySettings()
    """The namespace's own rules."""
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

    @property
    def production(self) -> bool:
        """Whether the stack holds data that must not be lost."""
        return self.environment == "production"

    @property
    def modules(self) -> dict[str, bool]:
        """Every module that can be switched, and whether it is on."""
        return {
            "api": self.api.enabled,
            "platform": self.platform.enabled,
            "database": self.database.enabled,
            "migrations": self.migrates_by_job,
            "redis": self.redis.enabled,
            "storage": self.storage.enabled,
            "unstructured": self.unstructured.enabled,
            "scraper": self.scraper.enabled,
            "ingress": self.ingress.enabled,
            "backups": self.backups.enabled,
            "monitoring": self.monitoring.enabled,
        }

    @property
    def migrates_by_job(self) -> bool:
        """Whether a Job migrates the database before the api rolls."""
        return self.api.enabled and self.database.enabled and self.migrations.mode == "job"

    def url(self, module: str) -> str | None:
        """Public URL of a module, if it has one."""
        host: str | None = getattr(self.ingress.hosts, module, None)
        if not (self.ingress.enabled and self._serves(module)) or host is None:
            return None
        return self.ingress.url(host, self.domain)

    def _serves(self, host: str) -> bool:
        """Whether there is something behind a host: Grafana only where the stack runs it."""
        return self.monitoring.installs if host == "grafana" else self.modules[host]


def problems(settings: Settings, given: Mapping[Credential, object]) -> list[str]:
    """What does not fit together, each as `key: what and how to mend it`; empty where all is well."""
    found = [
        *_dependencies(settings),
        *_hosts(settings),
        *_namespaces(settings),
        *_free_settings(settings),
        *_posture(settings),
    ]
    if settings.database.enabled:
        found += database.requirements(settings.database, given)
    if settings.redis.enabled:
        found += redis.requirements(settings.redis, given)
    if settings.storage.enabled:
        found += storage.requirements(settings.storage, given)
    if settings.api.enabled:
        found += api.requirements(settings.api, given)
    if settings.backups.enabled:
        found += backups.requirements(settings, given)
    if settings.monitoring.enabled:
        found += monitoring.requirements(settings.monitoring, given)
    return found + security.requirements(settings.security, given)


def _dependencies(settings: Settings) -> Iterator[str]:
    if settings.api.enabled and not settings.database.enabled:
        yield "database.enabled: the api needs the database: set it to true, or api.enabled to false"
    if settings.platform.enabled and not settings.api.enabled:
        yield "api.enabled: the platform needs the api: set it to true, or platform.enabled to false"
    if settings.monitoring.logs_in_object_storage:
        yield from _logs_in_object_storage(settings)


def _logs_in_object_storage(settings: Settings) -> Iterator[str]:
    if not settings.storage.enabled:
        yield _needs("monitoring.logs.storage", "storage")
    elif settings.storage.existing_secret is not None and settings.monitoring.logs.existing_secret is None:
        yield (
            "monitoring.logs.existingSecret: the storage's keys are in a Secret that others made: "
            "copy it into the monitoring namespace and name it here"
        )


def _hosts(settings: Settings) -> Iterator[str]:
    hosts = settings.ingress.hosts
    for module in sorted(hosts.model_fields_set):
        if getattr(hosts, module) is None or not settings.ingress.enabled:
            continue
        if module == "grafana" and not settings.monitoring.installs:
            yield "ingress.hosts.grafana: needs a Grafana: set monitoring.enabled to true, or remove the key"
        elif module != "grafana" and not settings.modules[module]:
            yield _needs(f"ingress.hosts.{module}", module)
        elif module == "storage" and settings.storage.mode == "external":
            yield "ingress.hosts.storage: an external storage has an address of its own; remove the host"
    yield from _shared_hosts(settings)


def _shared_hosts(settings: Settings) -> Iterator[str]:
    modules: dict[str, list[str]] = {}
    for module, host in settings.ingress.hosts.model_dump().items():
        if settings.url(module) is not None:
            modules.setdefault(host, []).append(module)
    for host, sharing in modules.items():
        if len(sharing) > 1:
            yield f"ingress.hosts.{sharing[1]}: {sharing[0]} has the same host; give each its own (got {host})"


def _needs(key: str, module: str) -> str:
    return f"{key}: needs module {module}, which is off: set {module}.enabled to true, or remove the key"


def _free_settings(settings: Settings) -> Iterator[str]:
    owners = {
        "redis": "redis",
        "storage": "storage",
        "intelligence.scraper": "scraper",
        "intelligence.unstructured": "unstructured",
    }
    for path in sorted({*api.flatten(settings.api.settings), *settings.api.secret_settings}):
        for prefix, module in owners.items():
            if path.startswith(f"{prefix}.") and not settings.modules[module]:
                yield _needs(f"api.settings.{path}", module)


def _namespaces(settings: Settings) -> Iterator[str]:
    ingress, watched = settings.ingress, settings.monitoring
    made = {
        "ingress.controller.namespace": ingress.controller_pods.namespace if ingress.controller.install else None,
        "ingress.certManager.namespace": ingress.cert_manager.namespace if ingress.cert_manager.install else None,
    }
    if not ingress.enabled:
        made = {}
    if watched.installs:
        made["monitoring.namespace"] = watched.namespace
        made["monitoring.metrics.nodes"] = NODE_NAMESPACE if watched.metrics.nodes else None
    taken = {settings.namespace: "namespace"}
    for key, name in made.items():
        if name is None:
            continue
        if name in taken:
            yield f"{key}: must not be the same as {taken[name]} (got {name})"
        taken[name] = key


def _posture(settings: Settings) -> Iterator[str]:
    if settings.namespace in ("default", "kube-system", "kube-public", "kube-node-lease"):
        yield f"namespace: must be a namespace of the stack's own, such as archesai (got {settings.namespace})"
    if not settings.production:
        return
    for key, image, default in _images(settings):
        if image.tag_or(default) == "latest" and image.digest is None:
            yield f"{key}.tag: latest is refused in production: pin a version, such as v1.0.0"
    if settings.ingress.enabled and settings.domain == "localhost":
        yield "domain: production needs a domain of its own (got localhost)"
    for module in ("api", "platform", "database", "redis"):
        if getattr(getattr(settings, module), "run_on_host", None) is not None:
            yield f"{module}.runOnHost: is for development only: remove it"


def _images(settings: Settings) -> Iterator[tuple[str, Image, versions.ImageVersion]]:
    defaults = {
        "api": versions.API,
        "platform": versions.PLATFORM,
        "database": versions.DATABASE,
        "redis": versions.REDIS,
        "storage": versions.RUSTFS,
        "unstructured": versions.UNSTRUCTURED,
        "scraper": versions.SCRAPER,
    }
    for module, default in defaults.items():
        image: Image | None = getattr(getattr(settings, module), "image", None)
        if settings.modules[module] and image is not None:
            yield f"{module}.image", image, default
    if isinstance(settings.storage, ManagedStorage) and settings.storage.enabled:
        yield "storage.bucketImage", settings.storage.bucket_image, versions.RCLONE
    watched = settings.monitoring
    if watched.enabled:
        yield "monitoring.databaseExporter.image", watched.database_exporter.image, versions.POSTGRES_EXPORTER
        yield "monitoring.redisExporter.image", watched.redis_exporter.image, versions.REDIS_EXPORTER
