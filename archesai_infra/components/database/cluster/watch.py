"""What monitoring is given about the cluster: its instances export their own metrics."""

from __future__ import annotations

from archesai_infra.components.base.watch.model import ScrapeJob, Watch
from archesai_infra.components.base.watch.monitors import MonitorSpec, pod_monitor
from archesai_infra.components.base.watch.panels import Dashboard, graph, stat
from archesai_infra.components.database.cluster.alerts import (
    INSTANCES,
    POOLER,
    connections_used,
    group,
    log_volume_used,
    matchers,
    scrape_job,
)
from archesai_infra.components.database.cluster.network import METRICS_PORT_NAME, instances, poolers
from archesai_infra.components.database.cluster.settings import ClusterSettings


def watch(settings: ClusterSettings, namespace: str, *, pooler: bool) -> Watch:
    """Monitors, alerts and a dashboard of the cluster, and of PgBouncer where there is one."""
    monitors: dict[str, MonitorSpec] = {
        INSTANCES: pod_monitor(namespace, dict(instances(settings).labels), METRICS_PORT_NAME)
    }
    if pooler:
        monitors[POOLER] = pod_monitor(namespace, dict(poolers().labels), METRICS_PORT_NAME)
    return Watch(
        groups=(group(settings, namespace, pooler=pooler),),
        dashboards=(_dashboard(settings, namespace, pooler=pooler),),
        pod_monitors=monitors,
        jobs=tuple(ScrapeJob(scrape_job(name, namespace), namespace) for name in monitors),
    )


def _dashboard(settings: ClusterSettings, namespace: str, *, pooler: bool) -> Dashboard:
    own = matchers(INSTANCES, namespace)
    panels = [
        stat("Instances up", f"sum(cnpg_collector_up{{{own}}})"),
        stat("Standbys that replicate", f"max(cnpg_pg_replication_streaming_replicas{{{own}}})"),
        stat("Size", f"max by (namespace) (sum by (namespace, pod) (cnpg_pg_database_size_bytes{{{own}}}))", "bytes"),
        stat("Longest transaction", f"max(cnpg_backends_max_tx_duration_seconds{{{own}}})", "s", thresholds=(60, 600)),
        graph("Behind the primary", f"cnpg_pg_replication_lag{{{own}}}", "{{pod}}", "s"),
        graph("Connections of limit", connections_used(namespace), "{{pod}}", "percentunit"),
        graph("Connections by state", f"sum by (pod, state) (cnpg_backends_total{{{own}}})", "{{pod}} {{state}}"),
        graph(
            "Transactions per second", f"sum by (pod) (rate(cnpg_pg_stat_database_xact_commit{{{own}}}[5m]))", "{{pod}}"
        ),
    ]
    if settings.wal_storage is not None:
        used = log_volume_used(settings, namespace)
        panels.append(graph("Log's volume in use", used, "{{persistentvolumeclaim}}", "percentunit"))
    if pooler:
        waiting = f"sum by (pod) (cnpg_pgbouncer_pools_cl_waiting{{{matchers(POOLER, namespace)}}})"
        panels.append(graph("Clients that wait in PgBouncer", waiting, "{{pod}}"))
    return Dashboard("database-cluster", "Arches: database cluster", panels)
