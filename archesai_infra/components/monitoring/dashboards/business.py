"""What the application is used for: rows that come into its tables, and calls of its routes."""

from __future__ import annotations

from archesai_infra.components.monitoring.dashboards.panels import Dashboard, Panel, graph, stat
from archesai_infra.components.monitoring.queries import DATABASE_JOB, job
from archesai_infra.components.monitoring.requests import API_JOB
from archesai_infra.components.monitoring.watched import Watched

TABLES = {
    "user": "Registrations",
    "session": "Logins",
    "organization": "Organizations",
    "run": "Workflow runs",
    "artifact": "Artifacts",
    "pipeline": "Pipelines",
}
"""Tables of the api's schema, and what a new row in each means."""


def dashboard(scope: Watched) -> Dashboard | None:
    """Counts from the database and rates from the api; what is not scraped is left out."""
    panels = [*(_tables(scope) if scope.database else []), *(_routes(scope) if scope.api else [])]
    return Dashboard("business", "Arches: business", panels) if panels else None


def _rows(scope: Watched, metric: str, tables: str) -> str:
    own = job(DATABASE_JOB, scope.namespace)
    return f'{metric}{{{own},schemaname="public",relname=~"{tables}"}}'


def _tables(scope: Watched) -> list[Panel]:
    numbers = [
        stat(f"{title} in a day", f"sum(increase({_rows(scope, 'pg_stat_user_tables_n_tup_ins', table)}[1d]))")
        for table, title in TABLES.items()
    ]
    every = "|".join(TABLES)
    created = f"sum by (relname) (increase({_rows(scope, 'pg_stat_user_tables_n_tup_ins', every)}[1h]))"
    total = f"sum by (relname) ({_rows(scope, 'pg_stat_user_tables_n_live_tup', every)})"
    return [
        *numbers,
        graph("New in an hour", created, "{{relname}}", width=12),
        graph("Total", total, "{{relname}}", width=12, description="PostgreSQL's own estimate."),
    ]


def _routes(scope: Watched) -> list[Panel]:
    own = job(API_JOB, scope.namespace)
    signing = f'{own},endpoint=~".*/auth/(login|register)"'
    return [
        graph(
            "Use by route",
            f"topk(15, sum by (endpoint) (increase(http_requests_total{{{own}}}[1h])))",
            "{{endpoint}}",
            width=12,
        ),
        graph(
            "Logins and registrations by status",
            f"sum by (endpoint, status) (increase(http_requests_total{{{signing}}}[1h]))",
            "{{endpoint}} {{status}}",
            width=12,
        ),
    ]
