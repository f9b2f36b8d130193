"""Database migrations: a Job of the api's image that runs once for every version of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import pulumi
from pydantic import Field

from archesai_infra.components.api import database_variables
from archesai_infra.components.base.context import Context
from archesai_infra.components.base.pods import Pod, RunningComponent
from archesai_infra.components.base.settings import Resources, Scheduling, resources
from archesai_infra.components.base.watch.alerts import Alert
from archesai_infra.components.base.watch.model import Watch
from archesai_infra.components.database import DatabaseConnection
from archesai_infra.kube.names import object_name
from archesai_infra.kube.pods import container, environment
from archesai_infra.kube.volumes import scratch
from archesai_infra.model import Model
from archesai_infra.types import Duration

MODULE = "migrations"
NAME = object_name("migrations")


class MigrationsSettings(Model):
    """Database migrations."""

    mode: Literal["job", "startup", "off"] = "job"
    """A Job before the api rolls, the api itself when it starts, or nothing."""
    command: tuple[str, ...] = Field(default=("archesai", "migrate"), min_length=1)
    """Command of the Job, in the api's image."""
    resources: Resources = resources(("250m", "256Mi"), ("500m", "512Mi"))
    """CPU and memory of the Job."""
    retries: int = Field(default=3, ge=0)
    """Failed attempts before the rollout stops."""
    timeout: int = Field(default=3600, ge=1)
    """Time for all attempts, in seconds; Pulumi waits as long."""
    lock_timeout: Duration = "10s"
    """How long a statement of the Job waits for a lock before it fails and the Job tries again: while it waits, every
    later query of the table waits behind it. `database.url` may set another one by its `options`."""
    run: int = Field(default=1, ge=1)
    """Raise it to run the migrations of the same version once more."""


def _milliseconds(duration: str) -> int:
    """PostgreSQL has other units than Go."""
    seconds = {"h": 3600, "m": 60, "s": 1}
    return sum(int(amount) * seconds[unit] for amount, unit in re.findall(r"(\d+)([hms])", duration)) * 1000


@dataclass(frozen=True)
class MigrationsArgs:
    """What the component is built from."""

    settings: MigrationsSettings
    image: str
    """The api's image: another one is another run."""
    scheduling: Scheduling
    database: DatabaseConnection


class Migrations(RunningComponent):
    """The migrations' Job."""

    def __init__(self, context: Context, args: MigrationsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Migrations", MODULE, context, opts)
        settings = args.settings
        mounts = [scratch("tmp", "/tmp", "256Mi"), *args.database.mounts]
        job = container(
            name="migrations",
            image=args.image,
            pull_policy=context.pull_policy,
            resources=settings.resources.requirements(),
            command=settings.command,
            # The database's URL is one of the settings the image reads without a file; and a file would make every
            # change of the api's configuration another run.
            env=environment(
                # Read by libpq and by pgx, wherever the URL comes from.
                args.database.variables | {"PGOPTIONS": f"-c lock_timeout={_milliseconds(settings.lock_timeout)}"},
                database_variables(args.database.url),
            ),
            mounts=mounts,
        )
        # Its attempts are for migrations that fail: a server that is still to come would use them all up.
        pod = Pod(NAME, [job], mounts, args.scheduling, 60, restart_policy="Never", before=args.database.waiting)
        self.job(
            pod,
            retries=settings.retries,
            deadline_seconds=settings.timeout,
            run=settings.run,
            # No value flows from a server that is ready, yet there is nothing to migrate before.
            depends_on=args.database.ready,
        )
        self.register_outputs({})


def watch(namespace: str) -> Watch:
    """The alert on a Job that gave up."""
    jobs = f'namespace="{namespace}",job_name=~"{NAME}.*",condition="true"'
    failed = Alert(
        "MigrationFailed",
        f"kube_job_failed{{{jobs}}} == 1",
        "critical",
        "The database migration {{ $labels.job_name }} failed; the new version of the api does not roll out.",
    )
    return Watch(alerts=(failed,))
