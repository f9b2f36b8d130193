"""What an edit may not do to the data that the stack has, decided before the engine changes anything.

The engine itself refuses to delete a protected resource only when it comes to it: by then a run without a preview has
deleted what was not protected. The API server refuses to shrink a claim in the middle of a run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from archesai_infra.components import database
from archesai_infra.stack.settings import Settings

PROTECTED = "protectedModules"
"""The stack's output that lists the modules whose data is protected."""
VOLUMES = "volumes"
"""The stack's output with the largest size that each claim has asked for, also of modules that are off now."""


class ProtectedError(Exception):
    """A module with protected data is missing from the stack, or its data would meet a server that cannot read it."""


def require_single_pod(before: Mapping[str, str], settings: Settings) -> None:
    """Raise ProtectedError where a cluster would begin empty in place of a single pod that holds the data."""
    own = settings.database
    if not isinstance(own, database.ClusterDatabase) or own.single_pod is not None or own.claim not in before:
        return
    raise ProtectedError(
        f"database.mode: the data is on claim {own.claim} of the single pod, and a cluster begins empty; nothing was "
        "changed. Set database.singlePod: serving keeps that pod in use while the data is moved, kept only keeps it, "
        "removed drops it and keeps its volume: docs/database-cluster.md"
    )


def require_log_volume(before: Mapping[str, str], settings: Settings) -> None:
    """Raise ProtectedError where a cluster would lose the volume of its log, which the operator refuses."""
    cluster = settings.database_cluster
    if cluster is None or cluster.wal_storage is not None or (claim := f"{cluster.name}-wal") not in before:
        return
    raise ProtectedError(
        f"database.cluster.walStorage: the volume of the log can be added and never removed; nothing was changed. Set "
        f"database.cluster.walStorage.size to {before[claim]}, as before"
    )


def require_protected(before: Collection[str], declared: Collection[str]) -> None:
    """Raise ProtectedError for modules that were protected and are no longer declared."""
    if missing := sorted(set(before) - set(declared)):
        names = ", ".join(missing)
        raise ProtectedError(
            f"production data is protected: {names} would be deleted, and nothing was changed. To keep it, take the "
            f"edit back. To let it go, make a backup, name it in the stack file (security.unprotected: [{names}]), run "
            "`up`, and make the edit then: volumes and the namespace stay in the cluster while retainData is true."
        )


def losing_protection(before: Collection[str], protected: Collection[str], settings: Settings) -> Iterator[str]:
    """What is to be said of data whose protection ends with `environment`, and not by `security.unprotected`."""
    if names := ", ".join(sorted(set(before) - {*protected, *settings.security.unprotected})):
        yield (
            f"environment: development ends the protection of {names}: a later edit or `destroy` is no longer refused; "
            "volumes and the namespace stay while retainData is true. Set environment to production to keep it"
        )
