"""What an edit may not do to the data that the stack has, decided before the engine changes anything.

The engine itself refuses to delete a protected resource only when it comes to it: by then a run without a preview has
deleted what was not protected. The API server refuses to shrink a claim in the middle of a run.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from archesai_infra.components import database
from archesai_infra.components.database.cluster.settings import CLUSTER
from archesai_infra.components.database.major import major
from archesai_infra.stack.config import PROJECT
from archesai_infra.stack.settings import Settings

PROTECTED = "protectedModules"
"""The stack's output that lists the modules whose data is protected."""
READS = 3
"""Reads of the stack's outputs before an error counts."""
READ_PAUSE = 0.2
"""Seconds between them."""
VOLUMES = "volumes"
"""The stack's output with the largest size that each claim has asked for, also of modules that are off now."""


MAJORS = "databaseMajors"
"""The stack's output with the major version of PostgreSQL whose data is on each claim, also on those of before."""


class ProtectedError(Exception):
    """A module with protected data is missing from the stack, or its data would meet a server that cannot read it."""


@dataclass(frozen=True)
class Earlier:
    """What the last complete `up` of a stack recorded in its outputs."""

    protected: tuple[str, ...] = ()
    volumes: Mapping[str, str] = field(default_factory=dict[str, str])
    majors: Mapping[str, str] = field(default_factory=dict[str, str])
    outputs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """All of them, as the engine has them."""


def earlier(stack: str) -> Earlier:
    """Read the stack's own outputs from its state; nothing before the first `up`."""
    name = f"{pulumi.get_organization()}/{PROJECT}/{stack}"
    found: Any = _read_outputs(name, READS)
    return from_outputs((found or {}).get("outputs") or {})


def _read_outputs(name: str, reads: int) -> object:
    """The engine's answer.

    The engine writes its own checkpoint meanwhile, and a state in files (`file://`) not in one piece: its metadata are
    empty for a moment (gocloud.dev, fileblob, setAttrs), and the reader says EOF.
    """
    try:
        return pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", {"name": name}).value
    except Exception:
        if reads == 1:
            raise
        time.sleep(READ_PAUSE)
        return _read_outputs(name, reads - 1)


def from_outputs(outputs: Mapping[str, Any]) -> Earlier:
    """What a stack's outputs record, also those of a release that recorded less."""
    return Earlier(tuple(outputs.get(PROTECTED, ())), outputs.get(VOLUMES, {}), _majors(outputs), outputs)


def _majors(outputs: Mapping[str, Any]) -> dict[str, str]:
    """What the outputs say, or for a stack that did not record it yet, what follows from its image."""
    if MAJORS in outputs:
        return outputs[MAJORS]
    found = major(str(outputs.get("images", {}).get("database", "")))
    claims = [claim for claim in outputs.get(VOLUMES, {}) if claim == f"{database.NAME}-data"]
    return dict.fromkeys(claims, found) if found else {}


def majors(settings: Settings) -> dict[str, str]:
    """Major version of the stack's own servers by the claim or the cluster that holds the data; not where unknown."""
    own = settings.database
    versions: dict[str, str | None] = {}
    if isinstance(own, database.ManagedDatabase) and own.runs_pods:
        versions[own.claim] = major(f":{own.tag}")
    if isinstance(own, database.ClusterDatabase) and own.enabled:
        versions[own.cluster.name] = own.cluster.major
        if own.keeps_single_pod:
            versions[own.claim] = major(f":{own.tag}")
    return {place: version for place, version in versions.items() if version}


def require_readable(before: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Raise ProtectedError where a server would not read the data on its claim, or a cluster that of its version.

    The operator raises a cluster's major version in place and never lowers it.
    """
    for place, version in now.items():
        known = before.get(place, version)
        if place.startswith(CLUSTER) and int(known) > int(version):
            raise ProtectedError(
                f"database.cluster.image.tag: cluster {place} holds data of PostgreSQL {known}, which version "
                f"{version} does not read; nothing was changed. Keep the tag, or raise it"
            )
        if not place.startswith(CLUSTER) and known != version:
            raise ProtectedError(
                f"database.image.tag: claim {place} holds data of PostgreSQL {known}, which version {version} "
                "does not read; nothing was changed. Keep the tag, and move the data to a new claim: "
                f"arches upgrade database --to {version}"
            )


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
