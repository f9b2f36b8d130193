"""The Arches platform: a React frontend, served as files."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from archesai_infra import versions
from archesai_infra.components.base.context import Context, Endpoint
from archesai_infra.components.base.pods import Pod, RunningComponent
from archesai_infra.components.base.settings import Resources, ScaledModule, resources
from archesai_infra.kube.names import object_name
from archesai_infra.kube.pods import container, environment
from archesai_infra.kube.probes import Probes, http_probe, stop_after_drain, tcp_probe
from archesai_infra.kube.volumes import scratch

MODULE = "platform"
NAME = object_name("platform")
PORT = 3000


class PlatformSettings(ScaledModule):
    """The Arches platform."""

    default_image = versions.PLATFORM

    enabled: bool = True
    """Run the module."""
    resources: Resources = resources(("250m", "256Mi"), ("500m", "512Mi"))
    """CPU and memory."""
    command: tuple[str, ...] = ("serve", "-s", "/app/dist", "-l", "3000")
    """Command; the image's own serves on another port."""


@dataclass(frozen=True)
class PlatformArgs:
    """What the component is built from."""

    settings: PlatformSettings
    api: Endpoint | None


class Platform(RunningComponent):
    """The platform's pods, or the process on the developer's machine in their place."""

    def __init__(self, context: Context, args: PlatformArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Platform", MODULE, context, opts)
        settings = args.settings
        self.service(NAME, {"http": PORT}, settings.run_on_host, alike=True)
        if settings.run_on_host is None:
            pod = self._pod(settings, args.api)
            self.deployment(pod, replicas=settings.pods, autoscaling=settings.autoscaling)
        self.register_outputs({})

    def _pod(self, settings: PlatformSettings, api: Endpoint | None) -> Pod:
        plain = {"NO_UPDATE_CHECK": "1"}
        if api is not None:
            plain["ARCHES_SERVER_HOST"] = api.address
        mounts = [scratch("tmp", "/tmp", "64Mi")]
        server = container(
            name="platform",
            image=self.context.image(settings.image, versions.PLATFORM),
            pull_policy=self.context.pull_policy,
            resources=settings.resources.requirements(),
            command=settings.command,
            env=environment(plain, {}),
            ports={"http": PORT},
            mounts=mounts,
            probes=Probes(
                startup=http_probe("/", PORT, period=2, failures=75),
                readiness=http_probe("/", PORT, period=10, failures=3),
                liveness=tcp_probe(PORT, period=10, failures=6),
            ),
            lifecycle=stop_after_drain(5),
        )
        return Pod(NAME, [server], mounts, settings.scheduling, 30)
