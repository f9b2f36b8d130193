"""The dashboard of the database, as its exporter sees it."""

from __future__ import annotations

from archesai_infra.components.base.watch.panels import Dashboard, Panel, Query, graph, stat
from archesai_infra.components.base.watch.queries import job
from archesai_infra.components.database.alerts import JOB, connections_used


def dashboard(namespace: str) -> Dashboard:
    """PostgreSQL."""
    own = job(JOB, namespace)
    # Templates are no databases that anyone uses.
    databases = f'{own},datname!~"template[01]|"'
    return Dashboard("database", "Arches: database", [*_numbers(namespace, own), *_graphs(own, databases)])


def _numbers(namespace: str, own: str) -> list[Panel]:
    hits, reads = (f"sum(rate(pg_stat_database_blks_{part}{{{own}}}[5m]))" for part in ("hit", "read"))
    return [
        stat("Up", f"min(pg_up{{{own}}})"),
        stat("Connections of limit", connections_used(namespace), "percentunit", thresholds=(0.7, 0.8)),
        stat("Size", f"sum(pg_database_size_bytes{{{own}}})", "bytes"),
        stat("Cache hits", f"{hits} / ({hits} + {reads})", "percentunit"),
        stat("Deadlocks in a day", f"sum(increase(pg_stat_database_deadlocks{{{own}}}[1d]))", thresholds=(1, 10)),
        stat("Longest transaction", f"max(pg_stat_activity_max_tx_duration{{{own}}})", "s", thresholds=(60, 600)),
    ]


def _graphs(own: str, databases: str) -> list[Panel]:
    moved = [
        Query(f"sum(rate(pg_stat_database_tup_{kind}{{{databases}}}[5m]))", kind)
        for kind in ("inserted", "updated", "deleted", "fetched")
    ]
    ended = [
        Query(f"sum(rate(pg_stat_database_xact_{kind}{{{databases}}}[5m]))", kind) for kind in ("commit", "rollback")
    ]
    return [
        graph("Connections by state", f"sum by (state) (pg_stat_activity_count{{{own}}})", "{{state}}"),
        Panel("Transactions per second", ended),
        Panel("Rows per second", moved),
        graph("Locks", f"sum by (mode) (pg_locks_count{{{own}}}) > 0", "{{mode}}"),
        graph("Size", f"pg_database_size_bytes{{{databases}}}", "{{datname}}", "bytes"),
        graph(
            "Temporary files",
            f"sum by (datname) (rate(pg_stat_database_temp_bytes{{{databases}}}[5m]))",
            "{{datname}}",
            "Bps",
        ),
        graph("Dead rows", f"topk(10, pg_stat_user_tables_n_dead_tup{{{own}}})", "{{relname}}", width=12),
        graph(
            "Sequential scans", f"topk(10, rate(pg_stat_user_tables_seq_scan{{{own}}}[5m]))", "{{relname}}", width=12
        ),
    ]
