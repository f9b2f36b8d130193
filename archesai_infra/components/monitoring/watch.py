"""What monitoring watches by itself: the cluster's own metrics, and what it has installed."""

from __future__ import annotations

from archesai_infra.components.base.watch.model import ScrapeJob, Watch
from archesai_infra.components.monitoring import kubelets
from archesai_infra.components.monitoring.dashboards import infrastructure as infrastructure_dashboard
from archesai_infra.components.monitoring.dashboards import logs
from archesai_infra.components.monitoring.prometheus import NODE_NAMESPACE
from archesai_infra.components.monitoring.rules import infrastructure, self_monitoring, workloads
from archesai_infra.components.monitoring.settings import MonitoringSettings
from archesai_infra.components.monitoring.watched import KUBELET, Watched

KUBE_STATE_METRICS = "kube-state-metrics"
NODE_EXPORTER = "node-exporter"
"""Scrape jobs, as the charts name them."""


def releases(settings: MonitoringSettings) -> Watch:
    """The scrape jobs and namespaces of what is installed; an existing operator's are not the stack's."""
    if not settings.installs:
        return Watch()
    jobs = [ScrapeJob(KUBE_STATE_METRICS, settings.namespace), ScrapeJob(KUBELET, kubelets.NAMESPACE)]
    nodes = [ScrapeJob(NODE_EXPORTER, NODE_NAMESPACE)] if settings.metrics.nodes else []
    return Watch(
        jobs=(*jobs, *nodes),
        volume_namespaces=(settings.namespace,),
        target_namespaces=(NODE_NAMESPACE,) if nodes else (),
    )


def itself(settings: MonitoringSettings, namespace: str) -> Watch:
    """Alerts on what is installed, and the logs of the stack in `namespace` that it keeps."""
    if not settings.installs:
        return Watch()
    group = self_monitoring.group(settings.namespace, logs_on_volume=not settings.logs_in_object_storage)
    return Watch(groups=(group,), dashboards=(logs.dashboard(namespace),))


def cluster(watched: Watched) -> Watch:
    """What Kubernetes reports about the objects of the stack and of its components."""
    return Watch(
        groups=(workloads.group(watched), infrastructure.group(watched)),
        dashboards=(infrastructure_dashboard.dashboard(watched),),
    )
