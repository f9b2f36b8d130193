"""Exporters beside the database and redis: pods of their own, so that switching them leaves the servers alone."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi

from archesai_infra import versions
from archesai_infra.components.base.component import Context
from archesai_infra.components.base.pods import Pod, RunningComponent
from archesai_infra.components.database import DatabaseConnection
from archesai_infra.components.monitoring.settings import Exporter
from archesai_infra.components.redis import RedisConnection
from archesai_infra.kube.names import object_name
from archesai_infra.kube.pods import Probes, SecretKey, container, environment, http_probe, tcp_probe
from archesai_infra.versions import ImageVersion

DATABASE_EXPORTER = "database-exporter"
DATABASE_EXPORTER_PORT = 9187
REDIS_EXPORTER = "redis-exporter"
REDIS_EXPORTER_PORT = 9121
PORT_NAME = "metrics"


class _ServerExporter(RunningComponent):
    """One stateless pod that asks a server and answers Prometheus."""

    def run(
        self,
        settings: Exporter,
        version: ImageVersion,
        port: int,
        plain: Mapping[str, str],
        secret: Mapping[str, SecretKey],
        secret_values: tuple[pulumi.Output[str], ...],
    ) -> None:
        """Create the Deployment and its Service."""
        name = object_name(self.module)
        self.service(name, {PORT_NAME: port})
        exporter = container(
            name="exporter",
            image=self.context.image(settings.image, version),
            pull_policy=self.context.pull_policy,
            resources=settings.resources.requirements(),
            env=environment(plain, secret),
            ports={PORT_NAME: port},
            probes=Probes(
                startup=tcp_probe(port, period=2, failures=30),
                # Not /metrics: a server that is down is what the exporter is there to tell.
                readiness=http_probe("/", port, period=10, failures=3),
                liveness=tcp_probe(port, period=20, failures=6),
            ),
        )
        self.deployment(Pod(name, [exporter], [], settings.scheduling, 30, secret_values), replicas=1)


class DatabaseExporter(_ServerExporter):
    """postgres-exporter."""

    def __init__(
        self,
        context: Context,
        settings: Exporter,
        connection: DatabaseConnection,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("DatabaseExporter", DATABASE_EXPORTER, context, opts)
        self.run(
            settings,
            versions.POSTGRES_EXPORTER,
            DATABASE_EXPORTER_PORT,
            {},
            {"DATA_SOURCE_NAME": connection.url},
            connection.secret_values,
        )
        self.register_outputs({})


class RedisExporter(_ServerExporter):
    """redis-exporter."""

    def __init__(
        self,
        context: Context,
        settings: Exporter,
        connection: RedisConnection,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("RedisExporter", REDIS_EXPORTER, context, opts)
        self.run(
            settings,
            versions.REDIS_EXPORTER,
            REDIS_EXPORTER_PORT,
            {"REDIS_ADDR": f"redis://{connection.endpoint.address}"},
            {"REDIS_PASSWORD": connection.password},
            connection.secret_values,
        )
        self.register_outputs({})
