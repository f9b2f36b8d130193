"""Redis' exporter: redis-exporter, in a pod beside the server."""

from __future__ import annotations

from archesai_infra import versions
from archesai_infra.components.base.watch.exporter import Exporter, ServerExporter
from archesai_infra.components.redis import users
from archesai_infra.components.redis.component import RedisConnection

EXPORTER = "redis-exporter"
EXPORTER_PORT = 9121


def exporter(settings: Exporter, connection: RedisConnection) -> ServerExporter:
    """The exporter of the server behind a connection."""
    login = connection.login(users.EXPORTER)
    named = {"REDIS_USER": login.user} if login.user else {}
    return ServerExporter(
        kind="RedisExporter",
        component=EXPORTER,
        settings=settings,
        version=versions.REDIS_EXPORTER,
        port=EXPORTER_PORT,
        plain={"REDIS_ADDR": f"redis://{connection.endpoint.address}", **named},
        secret={"REDIS_PASSWORD": login.password},
        secret_values=login.secret_values,
    )
