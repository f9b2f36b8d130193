"""What a move of the database writes into the stack file, and when it must not begin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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
_SECTION = "database"


@dataclass(frozen=True)
class Plan:
    """A move of one stack's database to the cluster, from the single pod or from a server elsewhere."""

    stack: str
    settings: Settings
    """The stack's present ones."""
    beside_text: str
    """The stack file with the cluster beside the old server, which serves."""
    beside: Evaluation
    over_text: str
    """The stack file with the cluster that serves, and the way back."""
    over: Evaluation
    pod: Evaluation
    """Declares the server's pod, which the pod that moves is made like."""
    elsewhere: database.ExternalServer | None = None
    """Where the data comes from; None for the single pod."""

    @property
    def source(self) -> str:
        """What messages call the old server."""
        return "the single pod" if self.elsewhere is None else "the server elsewhere"

    @property
    def namespace(self) -> str:
        """The stack's namespace."""
        return self.settings.namespace

    @property
    def cluster(self) -> ClusterSettings:
        """The cluster that the database moves to."""
        return clustered(self.over.settings).cluster


def planned(stack: str, to: str | None) -> Plan:
    """The plan of a move; raises CommandError where there is none, and ConfigError for an invalid stack file."""
    if to is None:
        raise CommandError("--to: the form is missing: --to cluster", Exit.INPUT)
    settings, _ = load(checked_stack(stack))
    _refuse(settings)
    return _plan(stack, settings)


def planned_back(stack: str) -> Plan:
    """The plan of the way back; raises CommandError where the stack file knows none."""
    settings, _ = load(checked_stack(stack))
    own = settings.database
    if not isinstance(own, database.ClusterDatabase) or (own.single_pod != "kept" and own.moved_from is None):
        raise CommandError(
            "database.singlePod is not kept, and there is no database.movedFrom: there is no move to undo", Exit.INPUT
        )
    return _plan(stack, settings)


def clustered(settings: Settings) -> database.ClusterDatabase:
    """The settings of a database in a cluster."""
    own = settings.database
    if not isinstance(own, database.ClusterDatabase):
        raise CommandError("the stack's database is no cluster", Exit.INPUT)
    return own


def _plan(stack: str, settings: Settings) -> Plan:
    own = settings.database
    elsewhere = own.moved_from if isinstance(own, database.ClusterDatabase) else None
    if isinstance(own, database.ExternalDatabase):
        elsewhere = own
    if elsewhere is None:
        beside, over = changed(stack, _BESIDE), changed(stack, _BESIDE | _OVER)
        pod = beside
    else:
        first, second = _sections(settings, elsewhere)
        beside, over = (changed(stack, {_SECTION: section}) for section in (first, second))
        pod = changed(stack, {_SECTION: second | {"singlePod": "serving"}})
    if mistakes := new_mistakes(beside, stack) or new_mistakes(over, stack):
        raise CommandError("\n".join(["the stack file is not ready for a cluster:", *mistakes]), Exit.INPUT)
    evaluated = {text: evaluate(parsed(stack, text)) for text in (beside, over, pod)}
    return Plan(stack, settings, beside, evaluated[beside], over, evaluated[over], evaluated[pod], elsewhere)


def _sections(settings: Settings, server: database.ExternalServer) -> tuple[dict[str, Any], dict[str, Any]]:
    """`database` with the cluster beside the server elsewhere, and with the cluster that serves."""
    set_keys = server.model_dump(mode="json", by_alias=True, exclude_unset=True)
    known = {field.alias or name for name, field in database.ExternalServer.model_fields.items()}
    given = {key: value for key, value in set_keys.items() if key in known}
    own = settings.database_cluster
    cluster = own.model_dump(mode="json", by_alias=True, exclude_unset=True) if own is not None else {}
    name = {"name": server.name} if "name" in given else {}
    return (
        {"mode": "external", **given, "cluster": cluster},
        {"mode": "cluster", **name, "cluster": cluster, "movedFrom": given},
    )


def _refuse(settings: Settings) -> None:
    """Raise CommandError with the way for databases that the command does not move."""
    own = settings.database
    if not own.enabled:
        raise CommandError("database.enabled is false: there is nothing to move", Exit.INPUT)
    if isinstance(own, database.ManagedDatabase) and not own.runs_pods:
        raise CommandError("the stack runs no database in the cluster", Exit.INPUT)
    if isinstance(own, database.ClusterDatabase):
        _refuse_cluster(own)
    if settings.gitops.enabled:
        raise CommandError("gitops.enabled: a controller applies this stack, and the switch needs `up`", Exit.INPUT)
    if own.existing_secret and not isinstance(own, database.ExternalDatabase):
        raise CommandError(
            "database.existingSecret: the move needs the superuser's password of both servers, which this Secret has "
            "not: move by a dump and its restore",
            Exit.INPUT,
        )


def _refuse_cluster(own: database.ClusterDatabase) -> None:
    if own.moved_from is not None:
        raise CommandError(
            "database.movedFrom is set: the cluster serves already, once `arches up` has applied it; --undo goes back",
            Exit.INPUT,
        )
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
