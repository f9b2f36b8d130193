"""The dashboard of redis, as its exporter sees it."""

from __future__ import annotations

from archesai_infra.components.base.watch.panels import Dashboard, Panel, Query, graph, stat
from archesai_infra.components.base.watch.queries import job
from archesai_infra.components.redis.alerts import JOB, memory_used
from archesai_infra.components.redis.replicated import alerts as replicated


def dashboard(namespace: str, *, several: bool) -> Dashboard:
    """Redis, one server or `several` that replicate."""
    own = job(JOB, namespace)
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
            stat("Memory of limit", memory_used(namespace), "percentunit", thresholds=(0.8, 0.9)),
            stat("Clients", f"sum(redis_connected_clients{{{own}}})"),
            stat("Keys", f"sum(redis_db_keys{{{own}}})"),
            stat("Cache hits", f"{hits} / ({hits} + {misses})", "percentunit"),
            stat("Uptime", f"max(redis_uptime_in_seconds{{{own}}})", "s"),
            Panel("Memory", memory, "bytes"),
            graph("Commands per second", commands, "{{cmd}}"),
            Panel("Keys gone per second", gone),
            *(replicated.panels(own) if several else ()),
        ],
    )
