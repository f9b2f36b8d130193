"""Alerts and panels on a replicated redis: whether there is one primary, and whether replicas follow it."""

from __future__ import annotations

from collections.abc import Iterator

from archesai_infra.components.base.watch.alerts import Alert
from archesai_infra.components.base.watch.panels import Panel, Query, graph, stat


def alerts(matchers: str) -> Iterator[Alert]:
    """Rules on the servers' series with these label matchers."""
    primaries = f'count(redis_instance_info{{{matchers},role="master"}})'
    yield Alert(
        "RedisPrimaryMissing",
        # A server that is down has no role; without its exporter nobody knows.
        f"({primaries} or vector(0)) == 0 and on() count(redis_up{{{matchers}}}) > 0",
        "critical",
        "No redis server is the primary: nothing can be written or read.",
        "1m",
    )
    yield Alert(
        "RedisPrimariesSeveral",
        f"{primaries} > 1",
        "critical",
        "{{ $value }} redis servers call themselves the primary.",
        "2m",
    )
    yield Alert(
        "RedisReplicaMissing",
        f"max(redis_connected_slaves{{{matchers}}}) < 2",
        "warning",
        "{{ $value }} of 2 replicas follow redis' primary.",
        "10m",
    )


def panels(matchers: str) -> list[Panel]:
    """For the dashboard of redis."""
    return [
        stat("Primaries", f'count(redis_instance_info{{{matchers},role="master"}})'),
        stat("Replicas that follow", f"max(redis_connected_slaves{{{matchers}}})"),
        Panel("Up by server", [Query(f"redis_up{{{matchers}}}", "{{instance}}")]),
        graph("Bytes that replicas are behind", _behind(matchers), "{{instance}}"),
    ]


def _behind(matchers: str) -> str:
    return (
        f"scalar(max(redis_master_repl_offset{{{matchers}}})) - "
        f'(redis_master_repl_offset{{{matchers}}} and on(instance) redis_instance_info{{{matchers},role="slave"}})'
    )
