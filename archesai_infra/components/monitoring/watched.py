"""What there is to watch: the part of the settings that rules, dashboards and monitors follow."""

from __future__ import annotations

from dataclasses import dataclass

from archesai_infra.components.monitoring.exporters import DATABASE_EXPORTER, REDIS_EXPORTER
from archesai_infra.components.monitoring.prometheus_stack import NODE_NAMESPACE
from archesai_infra.components.monitoring.settings import MonitoringSettings
from archesai_infra.kube.names import object_name

KUBE_STATE_METRICS = "kube-state-metrics"
NODE_EXPORTER = "node-exporter"
KUBELET = "kubelet"
VELERO = "velero"
"""Scrape jobs, as the charts name them."""
KUBELET_NAMESPACE = "kube-system"
"""Where the operator keeps the list of the kubelets' addresses."""


@dataclass(frozen=True)
class Watched:
    """The stack as Prometheus sees it."""

    namespace: str
    settings: MonitoringSettings
    api: bool
    """Whether the api's own metrics are scraped."""
    api_exposed: bool
    """Whether the api has a host: the controller in front of it counts its requests."""
    database: bool
    redis: bool
    storage: bool
    """Whether an object store runs in the cluster; its pod and its volume are watched, whatever server it is."""
    storage_metrics: bool
    """Whether the object store's own metrics are scraped."""
    migrations: bool
    ingress: str | None
    """`traefik` or `nginx`, where the controller's metrics are known."""
    ingress_namespace: str | None
    certificates: bool
    """Whether cert-manager makes the stack's certificates."""
    certificates_namespace: str
    """Namespace of cert-manager."""
    velero_namespace: str | None
    """Namespace of Velero where the stack makes backups."""
    installs_velero: bool

    @property
    def jobs(self) -> tuple[tuple[str, str], ...]:
        """Name and namespace of the scrape jobs that must always have a target, as alerts are blind without them."""
        watched = {
            "api": self.api,
            DATABASE_EXPORTER: self.database,
            REDIS_EXPORTER: self.redis,
            "storage": self.storage_metrics,
        }
        own = [(object_name(component), self.namespace) for component, on in watched.items() if on]
        if self.settings.installs:
            own += [(KUBE_STATE_METRICS, self.settings.namespace), (KUBELET, KUBELET_NAMESPACE)]
            own += [(NODE_EXPORTER, NODE_NAMESPACE)] if self.settings.metrics.nodes else []
        if self.velero_namespace is not None and self.installs_velero:
            own.append((VELERO, self.velero_namespace))
        return tuple(own)

    @property
    def namespaces(self) -> str:
        """A regular expression of the namespaces whose volumes and certificates concern the stack."""
        own = self.settings.namespace if self.settings.installs else None
        return _any_of(self.namespace, own, self.ingress_namespace)

    @property
    def target_namespaces(self) -> str:
        """A regular expression of the namespaces whose scrape targets concern the stack."""
        nodes = NODE_NAMESPACE if self.settings.installs and self.settings.metrics.nodes else None
        certificates = self.certificates_namespace if self.certificates else None
        return _any_of(self.namespaces, nodes, certificates, self.velero_namespace)


def _any_of(*names: str | None) -> str:
    return "|".join(dict.fromkeys(name for name in names if name))
