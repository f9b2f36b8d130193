"""What a recovery to a moment writes into the stack file, step by step, and when it must not begin."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.config.drafts import changed
from archesai_infra.cli.config.edit import new_mistakes
from archesai_infra.components import database
from archesai_infra.components.database.cluster.archive.objects import archive_name
from archesai_infra.components.database.cluster.settings import ClusterSettings
from archesai_infra.stack.settings import Settings

_KEY = "database.cluster"


@dataclass(frozen=True)
class Recovery:
    """A cluster that begins from an archive, beside the one that serves."""

    stack: str
    database: str
    """Name of the database."""
    present: ClusterSettings
    """The cluster that serves."""
    generation: int
    """Of the new cluster."""
    source: str
    """Name of the archive."""
    moment: str | None
    """Moment that is recovered; None for the end of the archive."""
    begun: bool
    """Whether the stack file has the new cluster already."""

    @property
    def new(self) -> ClusterSettings:
        """The new cluster."""
        return self.present.of(self.generation)

    @property
    def beside_text(self) -> str:
        """The stack file with the new cluster beside the one that serves."""
        entry: dict[str, Any] = {"generation": self.generation, "source": self.source}
        if self.moment is not None:
            entry["targetTime"] = self.moment
        earlier = [
            item.model_dump(by_alias=True, exclude_none=True)
            for item in self.present.recovered
            if item.generation != self.generation
        ]
        return changed(self.stack, {f"{_KEY}.beside": self.generation, f"{_KEY}.recovered": [*earlier, entry]})

    @property
    def over_text(self) -> str:
        """The stack file with the new cluster in the place of the present one, which stays beside it."""
        return changed(self.stack, {f"{_KEY}.generation": self.generation, f"{_KEY}.beside": self.present.generation})


def planned(stack: str, settings: Settings, moment: str, source: str | None) -> Recovery:
    """The plan of a recovery to a moment or to `latest`; raises CommandError where there is none."""
    own = settings.database
    if not isinstance(own, database.ClusterDatabase) or not own.enabled:
        raise CommandError("--to: only database.mode: cluster recovers to a moment; name a backup: --from", Exit.INPUT)
    cluster = own.cluster
    if not cluster.archive.enabled:
        raise CommandError("--to: database.cluster.archive is not enabled: there is no archive", Exit.INPUT)
    if own.serves_from_single_pod:
        raise CommandError("--to: the single pod still serves (database.singlePod): move first", Exit.INPUT)
    if own.pooler is not None:
        raise CommandError(
            "--to: a Pooler never changes its cluster: remove database.pooler, run `arches up`, and begin again",
            Exit.INPUT,
        )
    if settings.gitops.enabled:
        raise CommandError("--to: a controller applies this stack: docs/point-in-time-recovery.md, by hand", Exit.INPUT)
    wanted = None if moment == "latest" else moment
    source = source or archive_name(cluster)
    plan = Recovery(stack, own.name, cluster, _next(cluster), source, wanted, begun=False)
    beside = cluster.of(cluster.beside).recovery if cluster.beside else None
    if beside is not None and (beside.source, beside.target_time) == (source, wanted):
        return replace(plan, generation=beside.generation, begun=True)
    if cluster.beside:
        raise CommandError(
            f"--to: database.cluster.beside: cluster {cluster.of(cluster.beside).name} runs beside the present one: "
            "remove the key and run `arches up` first",
            Exit.INPUT,
        )
    if mistakes := new_mistakes(plan.beside_text, stack):
        raise CommandError("\n".join(mistakes), Exit.INPUT)
    return plan


def _next(cluster: ClusterSettings) -> int:
    """A generation that no cluster and no archive of this stack file had."""
    return max(cluster.generation, *(item.generation for item in cluster.recovered), 0) + 1
