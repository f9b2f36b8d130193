"""The restore drill: restores the newest backup regularly to prove that it can be restored."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from archesai_infra.components.backups import scripts
from archesai_infra.components.backups.cron import Script, cron_job
from archesai_infra.components.backups.dump import CLAIM, MOUNT_PATH, VOLUME
from archesai_infra.components.backups.settings import MODULE as BACKUPS
from archesai_infra.components.backups.settings import BackupsSettings
from archesai_infra.components.backups.settings import Drill as DrillSettings
from archesai_infra.components.base.context import Context
from archesai_infra.components.base.pods import RunningComponent
from archesai_infra.components.base.settings import Image
from archesai_infra.kube.labels import labels, selector
from archesai_infra.kube.names import object_name
from archesai_infra.kube.storage import claim_spec
from archesai_infra.kube.volumes import Mount, claim, scratch
from archesai_infra.quantities import mebibytes, memory_bytes
from archesai_infra.versions import ImageVersion

MODULE = "backups-drill"
NAME = object_name(MODULE)
SCRATCH_PATH = "/scratch"


@dataclass(frozen=True)
class DrillArgs:
    """What the component is built from."""

    settings: BackupsSettings
    image: Image
    """The one that made the dump: older tools cannot read it, and it may need the database's extensions."""
    version: ImageVersion
    """What the image is where the stack names none."""
    size: str
    """Size of the scratch volume, a Kubernetes quantity."""


class Drill(RunningComponent):
    """A CronJob with a server of its own, on a volume that ends with the run; it has no way to any network."""

    def __init__(self, context: Context, args: DrillArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("BackupsDrill", MODULE, context, opts)
        settings = args.settings.drill
        dumps = claim(VOLUME, MOUNT_PATH, CLAIM)
        script = Script(
            "drill",
            scripts.drill_files(),
            context.image(args.image, args.version),
            settings.resources,
            {
                "BACKUP_DIR": MOUNT_PATH,
                "SCRATCH": SCRATCH_PATH,
                "MAX_AGE": str(settings.max_age),
                "JOBS": str(args.settings.dump.jobs),
                "MAINTENANCE_MEMORY": f"{memory_bytes(settings.resources.limits.memory) // 8 // 2**20}MB",
            },
            [
                Mount(dumps.name, dumps.path, dumps.volume, read_only=True),
                scratch_claim(args.size, args.settings, labels(MODULE, context.instance)),
                shared_memory(settings),
            ],
            scheduling=args.settings.dump.scheduling,
            # The dumps' volume is on one node at a time.
            beside=selector(BACKUPS, context.instance),
        )
        # The claim on the scratch volume lives as long as its pod.
        cron_job(self, NAME, script, cron=settings.cron, timeout=settings.timeout, retries=0, kept_seconds=60)
        self.register_outputs({})


def scratch_claim(size: str, settings: BackupsSettings, of: dict[str, str]) -> Mount:
    """The volume of a server that lives as long as its pod."""
    template = {
        "metadata": {"labels": of},
        "spec": claim_spec(size, settings.dump.storage_class),
    }
    return Mount("scratch", SCRATCH_PATH, {"name": "scratch", "ephemeral": {"volume_claim_template": template}})  # pyright: ignore[reportArgumentType]


def shared_memory(settings: DrillSettings) -> Mount:
    """Parallel builds of vector indexes share their maintenance memory; the runtime gives 64 MiB."""
    return scratch(
        "shared-memory", "/dev/shm", mebibytes(memory_bytes(settings.resources.limits.memory) // 4), memory=True
    )
