"""The drill: a backup that nobody has restored is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archesai_infra import versions
from archesai_infra.components.backups import scripts
from archesai_infra.components.backups.cron import cron_job
from archesai_infra.components.backups.dump import CLAIM, MOUNT_PATH, VOLUME
from archesai_infra.components.backups.settings import MODULE as BACKUPS
from archesai_infra.components.running import Pod, RunningComponent
from archesai_infra.kube.labels import labels, selector
from archesai_infra.kube.names import object_name
from archesai_infra.kube.pods import Mount, claim, config_files, container, environment, scratch
from archesai_infra.kube.storage import claim_spec

if TYPE_CHECKING:
    import pulumi

    from archesai_infra.components.backups.settings import BackupsSettings
    from archesai_infra.components.base import Context
    from archesai_infra.components.workload import Image

MODULE = "backups-drill"
NAME = object_name(MODULE)
SCRATCH_PATH = "/scratch"


@dataclass(frozen=True)
class DrillArgs:
    """What the component is built from."""

    settings: BackupsSettings
    image: Image
    """The database's: a dump may need its extensions."""
    size: str
    """Size of the scratch volume, a Kubernetes quantity."""


class Drill(RunningComponent):
    """A CronJob with a server of its own, on a volume that ends with the run; it has no way to any network."""

    def __init__(self, name: str, context: Context, args: DrillArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("BackupsDrill", name, context, opts)
        settings = args.settings.drill
        files = self.config_map("drill-scripts", scripts.DRILL_FILES)
        dumps = claim(VOLUME, MOUNT_PATH, CLAIM)
        mounts = [
            Mount(dumps.name, dumps.path, dumps.volume, read_only=True),
            _scratch_volume(args, labels(MODULE, context.instance)),
            config_files("scripts", scripts.PATH, files.metadata.name),
            scratch("tmp", "/tmp", "128Mi"),
        ]
        plain = {
            "SCRIPTS": scripts.PATH,
            "BACKUP_DIR": MOUNT_PATH,
            "SCRATCH": SCRATCH_PATH,
            "MAX_AGE": str(settings.max_age),
            "JOBS": str(args.settings.dump.jobs),
        }
        server = container(
            name="drill",
            image=context.image(args.image, versions.DATABASE),
            pull_policy=context.pull_policy,
            resources=settings.resources.requirements(),
            command=scripts.run("drill.sh"),
            env=environment(plain, {}),
            mounts=mounts,
        )
        pod = Pod(NAME, [server], mounts, args.settings.dump.scheduling, 30, restart_policy="Never")
        # The dumps' volume is on one node at a time.
        beside = selector(BACKUPS, context.instance)
        cron_job(self, pod, cron=settings.cron, timeout=settings.timeout, beside=beside)
        self.register_outputs({})


def _scratch_volume(args: DrillArgs, of: dict[str, str]) -> Mount:
    template = {
        "metadata": {"labels": of},
        "spec": claim_spec(args.size, args.settings.dump.storage_class),
    }
    return Mount("scratch", SCRATCH_PATH, {"name": "scratch", "ephemeral": {"volume_claim_template": template}})  # pyright: ignore[reportArgumentType]
