"""The type in which a component hands over what is to be known about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi

from archesai_infra.components.base.watch.alerts import Alert, Group
from archesai_infra.components.base.watch.exporter import ServerExporter
from archesai_infra.components.base.watch.monitors import MonitorSpec
from archesai_infra.components.base.watch.panels import Dashboard, Panel
from archesai_infra.kube.names import object_name


@dataclass(frozen=True)
class MetricsSecret:
    """A Secret that Prometheus needs to read a server's metrics."""

    part: str
    """Last part of its logical name, which is state."""
    name: str
    data: Mapping[str, pulumi.Output[str]]


@dataclass(frozen=True)
class ScrapeJob:
    """A job of Prometheus that must always have a target, as alerts are blind without it."""

    name: str
    namespace: str


@dataclass(frozen=True)
class Watch:
    """What one component brings to the monitoring of a stack; nothing by default."""

    groups: tuple[Group, ...] = ()
    alerts: tuple[Alert, ...] = ()
    """Alerts that belong to the group of the infrastructure."""
    dashboards: tuple[Dashboard, ...] = ()
    panels: tuple[Panel, ...] = ()
    """Panels for the dashboard of the infrastructure."""
    service_monitors: Mapping[str, MonitorSpec] = field(default_factory=dict[str, MonitorSpec])
    """Specs by component, for Services of the stack."""
    pod_monitors: Mapping[str, MonitorSpec] = field(default_factory=dict[str, MonitorSpec])
    """Specs by component, for pods in other namespaces."""
    exporters: tuple[ServerExporter, ...] = ()
    secrets: tuple[MetricsSecret, ...] = ()
    jobs: tuple[ScrapeJob, ...] = ()
    volume_namespaces: tuple[str, ...] = ()
    """Namespaces whose volumes and certificates concern the stack."""
    target_namespaces: tuple[str, ...] = ()
    """More namespaces whose pods and scrape targets concern the stack."""


def by_exporter(server: ServerExporter, group: Group, dashboard: Dashboard, namespace: str, instance: str) -> Watch:
    """What an exporter tells about its server, wherever that is: alerts and a dashboard."""
    return Watch(
        groups=(group,),
        dashboards=(dashboard,),
        service_monitors={server.component: server.monitor(instance)},
        exporters=(server,),
        jobs=(ScrapeJob(object_name(server.component), namespace),),
    )
