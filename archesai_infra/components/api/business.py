"""What the application is used for: rows that come into its tables, and calls of its routes."""

from __future__ import annotations

from archesai_infra.components.api.settings import NAME
from archesai_infra.components.base.watch.panels import Dashboard, Panel, graph, stat
from archesai_infra.components.base.watch.queries import job

TABLES = {
    "user": "Registrations",
    "session": "Logins",
    "organization": "Organizations",
    "run": "Workflow runs",
    "artifact": "Artifacts",
    "pipeline": "Pipelines",
}
"""Tables of the api's schema, and what a new row in each means."""


def dashboard(namespace: str, *, database_job: str | None, scraped: bool) -> Dashboard | None:
    """Counts from the database and, where they are scraped, rates from the api; None without either.

    `database_job` is the scrape job of the database's exporter.
    """
    rows = [] if database_job is None else _tables(job(database_job, namespace))
    panels = [*rows, *(_routes(job(NAME, namespace)) if scraped else [])]
    return Dashboard("business", "Arches: business", panels) if panels else None


def _rows(own: str, metric: str, tables: str) -> str:
    return f'{metric}{{{own},schemaname="public",relname=~"{tables}"}}'


def _tables(own: str) -> list[Panel]:
    numbers = [
        stat(f"{title} in a day", f"sum(increase({_rows(own, 'pg_stat_user_tables_n_tup_ins', table)}[1d]))")
        for table, title in TABLES.items()
    ]
    every = "|".join(TABLES)
    created = f"sum by (relname) (increase({_rows(own, 'pg_stat_user_tables_n_tup_ins', every)}[1h]))"
    total = f"sum by (relname) ({_rows(own, 'pg_stat_user_tables_n_live_tup', every)})"
    return [
        *numbers,
        graph("New in an hour", created, "{{relname}}", width=12),
        graph("Total", total, "{{relname}}", width=12, description="PostgreSQL's own estimate."),
    ]


def _routes(own: str) -> list[Panel]:
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
