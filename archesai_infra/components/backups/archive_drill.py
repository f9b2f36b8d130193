"""The drill of a cluster's archive: a recovery by the newest base backup and the log regularly proves that one works.

It has no way to the Kubernetes API and no operator: Barman's programs read the archive as the plugin's do.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from archesai_infra.components.backups import scripts
from archesai_infra.components.backups.cron import Script, Step, cron_job
from archesai_infra.components.backups.drill import SCRATCH_PATH, scratch_claim, shared_memory
from archesai_infra.components.backups.settings import BackupsSettings
from archesai_infra.components.base.context import Context
from archesai_infra.components.base.pods import RunningComponent
from archesai_infra.components.database import ArchiveConnection, DatabaseConnection
from archesai_infra.kube.labels import labels
from archesai_infra.kube.names import object_name

MODULE = "backups-archive-drill"
NAME = object_name(MODULE)


@dataclass(frozen=True)
class ArchiveDrillArgs:
    """What the component is built from."""

    settings: BackupsSettings
    database: DatabaseConnection
    archive: ArchiveConnection


class ArchiveDrill(RunningComponent):
    """A CronJob with a server of its own, on a volume that ends with the run.

    Only the container that writes the mark has the way to the live server, and only those of Barman the bucket's keys.
    """

    def __init__(self, context: Context, args: ArchiveDrillArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("BackupsArchiveDrill", MODULE, context, opts)
        drill, archive = args.settings.drill, args.archive
        script = Script(
            "archive-drill",
            scripts.archive_drill_files(),
            archive.server_image,
            drill.resources,
            {"SCRATCH": SCRATCH_PATH, "ADMINISTRATOR": archive.administrator},
            [
                scratch_claim(drill.size or archive.size, args.settings, labels(MODULE, context.instance)),
                shared_memory(drill),
            ],
            scheduling=args.settings.dump.scheduling,
            before=[
                _mark(args),
                _barman("base", args, {"MAX_AGE": str(drill.max_age)}),
                _barman("log", args, {}, serves=True),
            ],
            role=archive.role,
        )
        cron_job(self, NAME, script, cron=drill.cron, timeout=drill.timeout, retries=0, kept_seconds=60)
        self.register_outputs({})


def _mark(args: ArchiveDrillArgs) -> Step:
    database = args.database
    reader = database.roles.dump if database.roles and database.roles.dump else database.url
    return Step(
        "mark",
        args.archive.server_image,
        args.settings.drill.resources,
        scripts.run("archive-mark.sh"),
        {"SCRATCH": SCRATCH_PATH, **database.variables},
        {"DATABASE_URL": reader},
        database.mounts,
    )


def _barman(part: str, args: ArchiveDrillArgs, plain: dict[str, str], *, serves: bool = False) -> Step:
    """The image has no shell, and Python below a path of its own."""
    archive = args.archive
    where = {"SCRATCH": SCRATCH_PATH, "ARCHIVE": archive.destination, "ARCHIVE_NAME": archive.name}
    endpoint = {"ENDPOINT": archive.endpoint} if archive.endpoint else {}
    return Step(
        part,
        archive.barman_image,
        archive.resources,
        ["python3", f"{scripts.PATH}/archive_fetch.py", part],
        {**where, **endpoint, **archive.environment, **plain},
        archive.keys,
        serves=serves,
    )
