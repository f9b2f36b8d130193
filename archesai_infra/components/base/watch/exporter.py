"""Exporters beside servers: pods of their own, so that switching them leaves the servers alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi

from archesai_infra.components.base.context import Context
from archesai_infra.components.base.pods import Pod, RunningComponent
from archesai_infra.components.base.settings import Resources, Workload, resources
from archesai_infra.components.base.watch.monitors import MonitorSpec, service_monitor
from archesai_infra.kube.names import object_name
from archesai_infra.kube.pods import SecretKey, container, environment
from archesai_infra.kube.probes import Probes, http_probe, tcp_probe
from archesai_infra.kube.volumes import Mount
from archesai_infra.versions import ImageVersion

PORT_NAME = "metrics"


class Exporter(Workload):
    """A pod that makes a server's own statistics into metrics."""

    resources: Resources = resources(("10m", "32Mi"), ("100m", "128Mi"))
    """CPU and memory."""


@dataclass(frozen=True)
class ServerExporter:
    """An exporter and the server that it asks."""

    kind: str
    """Last part of its type token, which is state."""
    component: str
    """Name of the component, such as `redis-exporter`; labels and logical names begin with it."""
    settings: Exporter
    version: ImageVersion
    port: int
    plain: Mapping[str, str]
    """Environment in clear."""
    secret: Mapping[str, SecretKey]
    """Environment from Secrets."""
    secret_values: tuple[pulumi.Output[str], ...]
    """Values whose change must roll the pod."""
    mounts: Sequence[Mount] = ()
    """Volumes with what it needs to reach the server."""

    targets: Mapping[str, str] = field(default_factory=dict[str, str])
    """Addresses by the name that is their label `instance`, where it asks several servers; `plain` names the one
    otherwise."""

    def monitor(self, instance: str) -> MonitorSpec:
        """How Prometheus reads it, for each server."""
        several = [
            {
                "port": PORT_NAME,
                "path": "/scrape",
                "params": {"target": [address]},
                "relabelings": [{"targetLabel": "instance", "replacement": name}],
            }
            for name, address in self.targets.items()
        ]
        return service_monitor(self.component, instance, *(several or [{"port": PORT_NAME}]))


class ExporterPod(RunningComponent):
    """One stateless pod that asks a server and answers Prometheus."""

    def __init__(self, context: Context, exporter: ServerExporter, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(exporter.kind, exporter.component, context, opts)
        name, port, settings = object_name(self.module), exporter.port, exporter.settings
        self.service(name, {PORT_NAME: port})
        pod = container(
            name="exporter",
            image=self.context.image(settings.image, exporter.version),
            pull_policy=self.context.pull_policy,
            resources=settings.resources.requirements(),
            env=environment(exporter.plain, exporter.secret),
            mounts=exporter.mounts,
            ports={PORT_NAME: port},
            probes=Probes(
                startup=tcp_probe(port, period=2, failures=30),
                # Not /metrics: a server that is down is what the exporter is there to tell.
                readiness=http_probe("/", port, period=10, failures=3),
                liveness=tcp_probe(port, period=20, failures=6),
            ),
        )
        self.deployment(Pod(name, [pod], exporter.mounts, settings.scheduling, 30, exporter.secret_values), replicas=1)
        self.register_outputs({})
