"""Redis' exporter: redis-exporter, in a pod beside the server."""

from __future__ import annotations

from archesai_infra import versions
from archesai_infra.components.base.watch.exporter import Exporter, ServerExporter
from archesai_infra.components.redis.component import RedisConnection

EXPORTER = "redis-exporter"
EXPORTER_PORT = 9121


def exporter(settings: Exporter, connection: RedisConnection) -> ServerExporter:
    """The exporter of the server behind a connection."""
    return ServerExporter(
        kind="RedisExporter",
        component=EXPORTER,
        settings=settings,
        version=versions.REDIS_EXPORTER,
        port=EXPORTER_PORT,
        plain={"REDIS_ADDR": f"redis://{connection.endpoint.address}"},
        secret={"REDIS_PASSWORD": connection.password},
        secret_values=connection.secret_values,
    )
