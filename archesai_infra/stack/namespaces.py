"""The namespaces that a stack makes, by the key that names each."""

from __future__ import annotations

from archesai_infra.components.monitoring.prometheus import NODE_NAMESPACE
from archesai_infra.stack.settings import Settings


def chart_namespaces(settings: Settings) -> dict[str, str]:
    """Namespaces of charts, besides the stack's own."""
    ingress, watched = settings.ingress, settings.monitoring
    made: dict[str, str] = {}
    if ingress.enabled and ingress.controller.install:
        made["ingress.controller.namespace"] = ingress.controller.release_namespace
    if ingress.enabled and ingress.cert_manager.install:
        made["ingress.certManager.namespace"] = ingress.cert_manager.namespace
    if watched.installs:
        made["monitoring.namespace"] = watched.namespace
        if watched.metrics.nodes:
            made["monitoring.metrics.nodes"] = NODE_NAMESPACE
    if settings.backups.enabled and settings.backups.velero.install:
        made["backups.velero.namespace"] = settings.backups.velero.namespace
    if (cluster := settings.database_cluster) is not None and cluster.operator == "install":
        made["database.cluster.operatorNamespace"] = cluster.operator_namespace
    return made
