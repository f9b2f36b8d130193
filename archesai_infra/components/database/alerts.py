"""Alerts on the database, as its exporter sees it."""

from __future__ import annotations

from collections.abc import Iterator

from archesai_infra.components.base.watch.alerts import Alert, Group
from archesai_infra.components.base.watch.queries import job
from archesai_infra.components.database.exporter import EXPORTER
from archesai_infra.kube.names import object_name

JOB = object_name(EXPORTER)


def group(namespace: str) -> Group:
    """The rules on PostgreSQL."""
    return Group("archesai-database", list(_alerts(namespace)))


def connections_used(namespace: str) -> str:
    """Used part of the database's connections, 0 to 1."""
    matchers = job(JOB, namespace)
    used = f"sum by (namespace) (pg_stat_activity_count{{{matchers}}})"
    return f"{used} / max by (namespace) (pg_settings_max_connections{{{matchers}}})"


def _alerts(namespace: str) -> Iterator[Alert]:
    yield Alert(
        "DatabaseUnreachable",
        f"pg_up{{{job(JOB, namespace)}}} == 0",
        "critical",
        "The database does not take connections.",
        "1m",
    )
    yield Alert(
        "DatabaseConnectionsNearLimit",
        f"{connections_used(namespace)} > 0.8",
        "warning",
        "{{ $value | humanizePercentage }} of the database's connections are in use.",
        "5m",
    )
