"""Web scraping: a Playwright server that drives browsers for the api."""

from __future__ import annotations

import pulumi

from archesai_infra import versions
from archesai_infra.components.base.context import Context, Endpoint
from archesai_infra.components.base.pods import Pod, RunningComponent
from archesai_infra.components.base.scripts import scripts
from archesai_infra.components.base.settings import Resources, ScaledWorkload, resources
from archesai_infra.kube.names import object_name
from archesai_infra.kube.pods import container, environment, pod_security
from archesai_infra.kube.probes import Probes, http_probe, tcp_probe
from archesai_infra.kube.volumes import config_files, scratch

MODULE = "scraper"
NAME = object_name("scraper")
PORT = 8080

USER_ID = 1001
"""`pwuser` of the image."""

SCRIPTS_PATH = "/etc/archesai"
_PACKAGE = "archesai_infra.components.scraper"


class ScraperSettings(ScaledWorkload):
    """Web scraping."""

    default_image = versions.SCRAPER

    resources: Resources = resources(("250m", "512Mi"), ("500m", "1Gi"), ("256Mi", "4Gi"))
    """CPU and memory."""
    command: tuple[str, ...] = ("/bin/sh", f"{SCRIPTS_PATH}/start.sh")
    """Command; the default runs the image's own `playwright`, else the one that a lock file names: npm fetches it at
    every start and refuses other content. An image of your own with Playwright inside needs no registry."""


class Scraper(RunningComponent):
    """The browsers' pods."""

    endpoint: Endpoint

    def __init__(self, context: Context, settings: ScraperSettings, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Scraper", MODULE, context, opts)
        self.service(NAME, {"http": PORT}, alike=True)
        names = ("start.sh", "package.json", "package-lock.json")
        files = self.config_map("scraper-files", scripts(_PACKAGE, *names))
        mounts = [
            config_files("files", SCRIPTS_PATH, files.metadata.name),
            scratch("tmp", "/tmp", "2Gi"),
            scratch("home", "/home/pwuser", "512Mi"),
        ]
        server = container(
            name="scraper",
            image=context.image(settings.image, versions.SCRAPER),
            pull_policy=context.pull_policy,
            resources=settings.resources.requirements(),
            command=settings.command,
            env=environment({"HOME": "/home/pwuser", "SCRIPTS": SCRIPTS_PATH, "PORT": str(PORT)}, {}),
            ports={"http": PORT},
            mounts=mounts,
            probes=Probes(
                startup=http_probe("/", PORT, period=2, failures=150),
                readiness=http_probe("/", PORT, period=10, failures=3),
                liveness=tcp_probe(PORT, period=20, failures=6),
            ),
        )
        security = pod_security(USER_ID, USER_ID)
        scheduling = settings.scheduling.yielding(context.worker_priority_class)
        pod = Pod(NAME, [server], mounts, scheduling, 60, security=security)
        self.deployment(pod, replicas=settings.pods, autoscaling=settings.autoscaling)
        self.endpoint = Endpoint(NAME, PORT)
        self.register_outputs({})
