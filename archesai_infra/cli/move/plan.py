"""What a move of the database writes into the stack file, and when it must not begin."""

from __future__ import annotations

from dataclasses import dataclass

from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.stacks import checked_stack
from archesai_infra.cli.config.drafts import changed, parsed
from archesai_infra.cli.config.edit import new_mistakes
from archesai_infra.components import database
from archesai_infra.components.database.cluster.settings import ClusterSettings
from archesai_infra.stack.config import load
from archesai_infra.stack.evaluate import Evaluation, evaluate
from archesai_infra.stack.settings import Settings

_BESIDE = {
    "database.mode": "cluster",
    "database.singlePod": "serving",
    # What subscribers read the log by; it restarts the single pod once.
    "database.postgres.parameters.wal_level": "logical",
}
_OVER = {"database.singlePod": "kept"}


@dataclass(frozen=True)
class Plan:
    """A move of one stack's database from the single pod to the cluster."""

    stack: str
    settings: Settings
    """The stack's present ones."""
    beside_text: str
    """The stack file with the cluster beside the pod, which serves."""
    beside: Evaluation
    over_text: str
    """The stack file with the cluster that serves, and the pod kept."""
    over: Evaluation

    @property
    def namespace(self) -> str:
        """The stack's namespace."""
        return self.settings.namespace

    @property
    def cluster(self) -> ClusterSettings:
        """The cluster that the database moves to."""
        return clustered(self.beside.settings).cluster


def planned(stack: str, to: str | None) -> Plan:
    """The plan of a move; raises CommandError where there is none, and ConfigError for an invalid stack file."""
    if to is None:
        raise CommandError("--to: the form is missing: --to cluster", Exit.INPUT)
    settings, _ = load(checked_stack(stack))
    _refuse(settings)
    return _plan(stack, settings)


def planned_back(stack: str) -> Plan:
    """The plan of the way back; raises CommandError where the stack file keeps no single pod."""
    settings, _ = load(checked_stack(stack))
    own = settings.database
    if not isinstance(own, database.ClusterDatabase) or own.single_pod != "kept":
        raise CommandError("database.singlePod is not kept: there is no move to undo", Exit.INPUT)
    return _plan(stack, settings)


def clustered(settings: Settings) -> database.ClusterDatabase:
    """The settings of a database in a cluster."""
    own = settings.database
    if not isinstance(own, database.ClusterDatabase):
        raise CommandError("the stack's database is no cluster", Exit.INPUT)
    return own


def _plan(stack: str, settings: Settings) -> Plan:
    beside, over = changed(stack, _BESIDE), changed(stack, _BESIDE | _OVER)
    if mistakes := new_mistakes(beside, stack) or new_mistakes(over, stack):
        raise CommandError("\n".join(["the stack file is not ready for a cluster:", *mistakes]), Exit.INPUT)
    return Plan(stack, settings, beside, evaluate(parsed(stack, beside)), over, evaluate(parsed(stack, over)))


def _refuse(settings: Settings) -> None:
    """Raise CommandError with the way for databases that the command does not move."""
    own = settings.database
    if isinstance(own, database.ExternalDatabase):
        raise CommandError(
            "database.mode is external: move by a dump and its restore: docs/database-cluster.md, From a server "
            "elsewhere",
            Exit.INPUT,
        )
    if isinstance(own, database.ManagedDatabase) and not own.runs_pods:
        raise CommandError("the stack runs no database in the cluster", Exit.INPUT)
    if isinstance(own, database.ClusterDatabase):
        _refuse_cluster(own)
    if settings.gitops.enabled:
        raise CommandError("gitops.enabled: a controller applies this stack, and the switch needs `up`", Exit.INPUT)
    if own.existing_secret:
        raise CommandError(
            "database.existingSecret: the move needs the superuser's password of both servers, which this Secret has "
            "not: move by a dump and its restore",
            Exit.INPUT,
        )


def _refuse_cluster(own: database.ClusterDatabase) -> None:
    if own.single_pod == "kept":
        raise CommandError(
            "database.singlePod is kept: the cluster serves already, once `arches up` has applied it; --undo goes back",
            Exit.INPUT,
        )
    if own.single_pod is None or own.single_pod == "removed":
        raise CommandError("the stack has no single pod: there is nothing to move", Exit.INPUT)
    if own.pooler is not None:
        raise CommandError(
            "database.pooler: clients change over by the Service, which no pooler is behind: remove it, and add it "
            "after the move",
            Exit.INPUT,
        )
