"""What monitoring is given about the database."""

from __future__ import annotations

from archesai_infra.components.base.watch.exporter import Exporter
from archesai_infra.components.base.watch.model import ScrapeJob, Watch
from archesai_infra.components.database.alerts import JOB, group
from archesai_infra.components.database.connection import DatabaseConnection
from archesai_infra.components.database.dashboard import dashboard
from archesai_infra.components.database.exporter import EXPORTER, exporter


def watch(connection: DatabaseConnection, settings: Exporter, namespace: str, instance: str) -> Watch:
    """Alerts and a dashboard on what the exporter tells, wherever the server is."""
    server = exporter(settings, connection)
    return Watch(
        groups=(group(namespace),),
        dashboards=(dashboard(namespace),),
        service_monitors={EXPORTER: server.monitor(instance)},
        exporters=(server,),
        jobs=(ScrapeJob(JOB, namespace),),
    )
