"""What monitoring is given about redis."""

from __future__ import annotations

from archesai_infra.components.base.watch.exporter import Exporter
from archesai_infra.components.base.watch.model import Watch, by_exporter
from archesai_infra.components.redis.alerts import group
from archesai_infra.components.redis.component import RedisConnection
from archesai_infra.components.redis.dashboard import dashboard
from archesai_infra.components.redis.exporter import exporter


def watch(connection: RedisConnection, settings: Exporter, namespace: str, instance: str) -> Watch:
    """Alerts and a dashboard on what the exporter tells."""
    several = bool(connection.servers)
    rules, page = group(namespace, several=several), dashboard(namespace, several=several)
    return by_exporter(exporter(settings, connection), rules, page, namespace, instance)
