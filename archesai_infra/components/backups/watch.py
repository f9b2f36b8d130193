"""What monitoring is given about backups besides their alerts, which stand in a PrometheusRule of their own."""

from __future__ import annotations

from archesai_infra.components.backups.settings import BackupsSettings
from archesai_infra.components.backups.velero import RELEASE
from archesai_infra.components.base.watch.model import ScrapeJob, Watch


def watch(settings: BackupsSettings) -> Watch:
    """Velero's pods and, where the stack installs it, its scrape job; the chart brings the monitors."""
    namespace = settings.velero.namespace
    return Watch(
        jobs=(ScrapeJob(RELEASE, namespace),) if settings.velero.install else (), target_namespaces=(namespace,)
    )
