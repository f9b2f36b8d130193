"""Document processing: the unstructured api."""

from __future__ import annotations

import pulumi
from pydantic import Field

from archesai_infra import versions
from archesai_infra.components.base.context import Context, Endpoint
from archesai_infra.components.base.pods import Pod, RunningComponent
from archesai_infra.components.base.settings import Resources, ScaledWorkload, resources
from archesai_infra.kube.names import object_name
from archesai_infra.kube.pods import container, environment, pod_security
from archesai_infra.kube.probes import Probes, http_probe, stop_after_drain, tcp_probe
from archesai_infra.kube.volumes import scratch

MODULE = "unstructured"
NAME = object_name("unstructured")
PORT = 8000

USER_ID = 1000
"""The image's own user: models and the LibreOffice profile lie in its home directory and belong to it."""

READ_ONLY_ROOT = False
"""LibreOffice and the libraries write below that home directory, and a volume over it would hide what is baked in."""

# The image's own start script stays in front of the server and keeps SIGTERM to itself. An empty host is every address,
# IPv6 included.
_SERVE = f"exec uvicorn prepline_general.api.app:app --log-config logger_config.yaml --host '' --port {PORT}"
START = ("bash", "-c", _SERVE)


class UnstructuredSettings(ScaledWorkload):
    """Document processing."""

    default_image = versions.UNSTRUCTURED

    resources: Resources = resources(("250m", "1Gi"), ("1", "4Gi"), ("256Mi", "4Gi"))
    """CPU and memory."""
    command: tuple[str, ...] = START
    """Command; the image's own ignores the signal to stop."""
    memory_free_minimum: int = Field(default=0, ge=0)
    """Free memory of the node below which documents are refused, in MiB; 0 never refuses."""


class Unstructured(RunningComponent):
    """The document processing pods."""

    endpoint: Endpoint

    def __init__(
        self, context: Context, settings: UnstructuredSettings, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("Unstructured", MODULE, context, opts)
        self.service(NAME, {"http": PORT}, alike=True)
        mounts = [scratch("tmp", "/tmp", "2Gi")]
        server = container(
            name="unstructured",
            image=context.image(settings.image, versions.UNSTRUCTURED),
            pull_policy=context.pull_policy,
            resources=settings.resources.requirements(),
            command=settings.command,
            env=environment({"UNSTRUCTURED_MEMORY_FREE_MINIMUM_MB": str(settings.memory_free_minimum)}, {}),
            ports={"http": PORT},
            mounts=mounts,
            probes=Probes(
                startup=http_probe("/healthcheck", PORT, period=2, failures=300),
                readiness=http_probe("/healthcheck", PORT, period=10, failures=3),
                # A long document keeps the one worker busy: a port that accepts is alive.
                liveness=tcp_probe(PORT, period=20, failures=6),
            ),
            lifecycle=stop_after_drain(5),
            read_only_root=READ_ONLY_ROOT,
        )
        security = pod_security(USER_ID, USER_ID)
        scheduling = settings.scheduling.yielding(context.worker_priority_class)
        pod = Pod(NAME, [server], mounts, scheduling, 120, security=security)
        self.deployment(pod, replicas=settings.pods, autoscaling=settings.autoscaling)
        self.endpoint = Endpoint(NAME, PORT)
        self.register_outputs({})
