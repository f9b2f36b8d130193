"""The database and redis, as their exporters see them."""

from __future__ import annotations

from archesai_infra.components.monitoring.dashboards.panels import Dashboard, Panel, Query, graph, stat
from archesai_infra.components.monitoring.queries import (
    DATABASE_JOB,
    REDIS_JOB,
    connections_used,
    job,
    redis_memory_used,
)
from archesai_infra.components.monitoring.watched import Watched


def database(scope: Watched) -> Dashboard | None:
    """PostgreSQL."""
    if not scope.database:
        return None
    own = job(DATABASE_JOB, scope.namespace)
    # Templates are no databases that anyone uses.
    databases = f'{own},datname!~"template[01]|"'
    return Dashboard(
        "database", "Arches: database", [*_database_numbers(scope, own), *_database_graphs(own, databases)]
    )


def _database_numbers(scope: Watched, own: str) -> list[Panel]:
    hits, reads = (f"sum(rate(pg_stat_database_blks_{part}{{{own}}}[5m]))" for part in ("hit", "read"))
    return [
        stat("Up", f"min(pg_up{{{own}}})"),
        stat("Connections of limit", connections_used(scope.namespace), "percentunit", thresholds=(0.7, 0.8)),
        stat("Size", f"sum(pg_database_size_bytes{{{own}}})", "bytes"),
        stat("Cache hits", f"{hits} / ({hits} + {reads})", "percentunit"),
        stat("Deadlocks in a day", f"sum(increase(pg_stat_database_deadlocks{{{own}}}[1d]))", thresholds=(1, 10)),
        stat("Longest transaction", f"max(pg_stat_activity_max_tx_duration{{{own}}})", "s", thresholds=(60, 600)),
    ]


def _database_graphs(own: str, databases: str) -> list[Panel]:
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


def redis(scope: Watched) -> Dashboard | None:
    """Redis."""
    if not scope.redis:
        return None
    own = job(REDIS_JOB, scope.namespace)
    hits, misses = (f"sum(rate(redis_keyspace_{part}_total{{{own}}}[5m]))" for part in ("hits", "misses"))
    gone = [Query(f"sum(rate(redis_{kind}_keys_total{{{own}}}[5m]))", kind) for kind in ("evicted", "expired")]
    memory = [
        Query(f"redis_memory_used_bytes{{{own}}}", "data"),
        Query(f"redis_memory_used_rss_bytes{{{own}}}", "process"),
        Query(f"redis_memory_max_bytes{{{own}}}", "limit"),
    ]
    commands = f"topk(10, sum by (cmd) (rate(redis_commands_total{{{own}}}[5m])))"
    return Dashboard(
        "redis",
        "Arches: redis",
        [
            stat("Up", f"min(redis_up{{{own}}})"),
            stat("Memory of limit", redis_memory_used(scope.namespace), "percentunit", thresholds=(0.8, 0.9)),
            stat("Clients", f"sum(redis_connected_clients{{{own}}})"),
            stat("Keys", f"sum(redis_db_keys{{{own}}})"),
            stat("Cache hits", f"{hits} / ({hits} + {misses})", "percentunit"),
            stat("Uptime", f"max(redis_uptime_in_seconds{{{own}}})", "s"),
            Panel("Memory", memory, "bytes"),
            graph("Commands per second", commands, "{{cmd}}"),
            Panel("Keys gone per second", gone),
        ],
    )
