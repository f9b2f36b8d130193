"""The stack as Prometheus sees it: what its components bring, and what the cluster's own metrics add."""

from __future__ import annotations

from dataclasses import dataclass

from archesai_infra.components.base.watch.model import ScrapeJob, Watch
from archesai_infra.components.base.watch.queries import any_of
from archesai_infra.components.monitoring.settings import MonitoringSettings

KUBELET = "kubelet"
"""Scrape job of the kubelets."""


@dataclass(frozen=True)
class Watched:
    """A stack and what there is to watch in it."""

    namespace: str
    """Namespace of the stack."""
    settings: MonitoringSettings
    parts: tuple[Watch, ...]
    """What each component brings."""

    @property
    def jobs(self) -> tuple[ScrapeJob, ...]:
        """The scrape jobs that must always have a target."""
        return tuple(job for part in self.parts for job in part.jobs)

    @property
    def namespaces(self) -> str:
        """A regular expression of the namespaces whose volumes and certificates concern the stack."""
        return any_of(self.namespace, *(name for part in self.parts for name in part.volume_namespaces))

    @property
    def target_namespaces(self) -> str:
        """A regular expression of the namespaces whose scrape targets concern the stack."""
        return any_of(self.namespaces, *(name for part in self.parts for name in part.target_namespaces))
