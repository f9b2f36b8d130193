"""The copy of an upgrade, on its claim."""

from __future__ import annotations

from dataclasses import dataclass

from archesai_infra.cli.base.cluster import Cluster
from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.helper_job import HelperJob
from archesai_infra.cli.base.kinds import path
from archesai_infra.cli.base.server_job import found
from archesai_infra.cli.upgrade.objects import FROM, NAME, claim, helpers, image_of, remains
from archesai_infra.cli.upgrade.plan import Plan
from archesai_infra.components import database

_UNCHANGED = "the old server is as it was"
_PLACED_SECONDS = 120
"""Time between the end of the old server and the end of the Job."""
_ENDED_SECONDS = 300
"""Time for the pod of a removed Job to end: its grace is short, and its node may be busy."""


@dataclass(frozen=True)
class Copying:
    """A copy of the database in a cluster."""

    cluster: Cluster
    plan: Plan
    job: HelperJob

    @classmethod
    def of(cls, cluster: Cluster, plan: Plan, seconds: float) -> Copying:
        """The copy of a plan; `seconds` is the time until it is complete."""
        return cls(cluster, plan, HelperJob(cluster, plan.namespace, NAME, helpers(plan), seconds, _UNCHANGED))

    def start(self) -> None:
        """Start the copy, after the end of one that an earlier command left; raises CommandError and ClusterError."""
        self.job.clear()
        self._create_claim()
        self.job.create()

    def finish(self) -> None:
        """Wait until the copy is complete and waits for the switch; raises CommandError where it fails."""
        self.job.wait_ready()

    @property
    def switched(self) -> bool:
        """Whether the stack's server is the new one, or on the way to it."""
        live = self.cluster.get(path("StatefulSet", self.plan.namespace, database.NAME))
        return image_of(live) == image_of(found(self.plan.after, "StatefulSet", database.NAME))

    def wait_in_place(self) -> None:
        """Wait until the copy has taken its place; raises CommandError where it did not."""
        self.job.wait_succeeded(_PLACED_SECONDS, "the copy was not put in its place")

    def _create_claim(self) -> None:
        """The new claim, or the one of an earlier try."""
        wanted = claim(self.plan)
        live = self.cluster.find(path("PersistentVolumeClaim", self.plan.namespace, self.plan.new_claim))
        if live is None:
            self.cluster.send("POST", path("PersistentVolumeClaim", self.plan.namespace), wanted)
        elif FROM not in live["metadata"].get("annotations", {}):
            raise CommandError(
                f"claim {self.plan.new_claim} exists and is not one of an upgrade: delete it, if nobody needs its data",
                Exit.FOUND,
            )


def remove_remains(cluster: Cluster, namespace: str) -> None:
    """Remove the copy of a command that was killed, and wait for its end; raises CommandError and ClusterError."""
    HelperJob(cluster, namespace, NAME, remains(), _ENDED_SECONDS, _UNCHANGED).clear()
