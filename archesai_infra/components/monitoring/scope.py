"""What there is to watch: the part of the settings that rules, dashboards and monitors follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archesai_infra.components.monitoring.exporters import DATABASE_EXPORTER, REDIS_EXPORTER
from archesai_infra.kube.names import object_name

if TYPE_CHECKING:
    from archesai_infra.components.monitoring.settings import MonitoringSettings
    from archesai_infra.settings import Settings


@dataclass(frozen=True)
class Scope:
    """The stack as Prometheus sees it."""

    namespace: str
    settings: MonitoringSettings
    api: bool
    """Whether the api's own metrics are scraped."""
    database: bool
    redis: bool
    storage: bool
    """Whether an object store runs in the cluster; it is watched from outside, as it serves no metrics."""
    migrations: bool
    ingress: str | None
    """`traefik` or `nginx`, where the controller's metrics are known."""
    ingress_namespace: str | None
    certificates: bool
    """Whether cert-manager makes the stack's certificates."""

    @property
    def jobs(self) -> tuple[str, ...]:
        """Names of the scrape jobs that must always have a target: those of the stack's own Services."""
        watched = {"api": self.api, DATABASE_EXPORTER: self.database, REDIS_EXPORTER: self.redis}
        return tuple(object_name(component) for component, on in watched.items() if on)

    @property
    def namespaces(self) -> str:
        """A regular expression of the namespaces whose targets and volumes concern the stack."""
        own = self.settings.namespace if self.settings.installs else None
        return "|".join(dict.fromkeys(name for name in (self.namespace, own, self.ingress_namespace) if name))


def scope(settings: Settings) -> Scope:
    """What a stack's monitoring watches; a server on the developer's machine is not watched."""
    ingress = settings.ingress
    controller = "traefik" if ingress.controller.install else ingress.class_name
    known = ingress.enabled and controller in ("traefik", "nginx")
    return Scope(
        namespace=settings.namespace,
        settings=settings.monitoring,
        api=settings.api.enabled and settings.api.run_on_host is None and settings.monitoring.metrics.api,
        database=settings.database.enabled,
        redis=settings.redis.enabled,
        storage=settings.storage.enabled and settings.storage.mode == "managed",
        migrations=settings.migrates_by_job,
        ingress=controller if known else None,
        ingress_namespace=ingress.controller_pods.namespace if known else None,
        certificates=ingress.enabled and ingress.tls.enabled and ingress.tls.issuer is not None,
    )
