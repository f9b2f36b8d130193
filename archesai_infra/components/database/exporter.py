"""The database's exporter: postgres-exporter, in a pod beside the server."""

from __future__ import annotations

from archesai_infra import versions
from archesai_infra.components.base.watch.exporter import Exporter, ServerExporter
from archesai_infra.components.database.connection import DatabaseConnection

EXPORTER = "database-exporter"
EXPORTER_PORT = 9187


def exporter(settings: Exporter, connection: DatabaseConnection) -> ServerExporter:
    """The exporter of the server behind a connection."""
    monitor = connection.roles.monitor if connection.roles else None
    return ServerExporter(
        kind="DatabaseExporter",
        component=EXPORTER,
        settings=settings,
        version=versions.POSTGRES_EXPORTER,
        port=EXPORTER_PORT,
        plain=connection.variables,
        secret={"DATA_SOURCE_NAME": monitor or connection.url},
        secret_values=connection.secret_values,
        mounts=connection.mounts,
    )
