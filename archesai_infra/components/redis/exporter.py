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
    scheme = "rediss" if connection.tls else "redis"
    # With several servers it asks the one that Prometheus names.
    plain = {"REDIS_ADDR": "" if connection.servers else f"{scheme}://{connection.endpoint.address}"}
    plain |= {"REDIS_USER": login.user} if login.user else {}
    if connection.certificate_file:
        plain["REDIS_EXPORTER_TLS_CA_CERT_FILE"] = connection.certificate_file
    return ServerExporter(
        kind="RedisExporter",
        component=EXPORTER,
        settings=settings,
        version=versions.REDIS_EXPORTER,
        port=EXPORTER_PORT,
        plain=plain,
        secret={"REDIS_PASSWORD": login.password} if login.password else {},
        secret_values=login.secret_values,
        mounts=connection.mounts,
        targets={host.split(".", 1)[0]: f"{scheme}://{host}:{connection.endpoint.port}" for host in connection.servers},
    )
