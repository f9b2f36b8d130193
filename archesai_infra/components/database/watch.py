"""What monitoring is given about the database."""

from __future__ import annotations

from archesai_infra.components.base.watch.exporter import Exporter
from archesai_infra.components.base.watch.model import Watch, by_exporter
from archesai_infra.components.database.alerts import group
from archesai_infra.components.database.connection import DatabaseConnection
from archesai_infra.components.database.dashboard import dashboard
from archesai_infra.components.database.exporter import exporter


def watch(connection: DatabaseConnection, settings: Exporter, namespace: str, instance: str) -> Watch:
    """Alerts and a dashboard on what the exporter tells."""
    return by_exporter(exporter(settings, connection), group(namespace), dashboard(namespace), namespace, instance)
