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
    return Earlier(tuple(outputs.get(PROTECTED, ())), outputs.get(VOLUMES, {}), _majors(outputs))


def _majors(outputs: Mapping[str, Any]) -> dict[str, str]:
    """What the outputs say, or for a stack that did not record it yet, what follows from its image."""
    if MAJORS in outputs:
        return outputs[MAJORS]
    found = major(str(outputs.get("images", {}).get("database", "")))
    claims = [claim for claim in outputs.get(VOLUMES, {}) if claim == f"{database.NAME}-data"]
    return dict.fromkeys(claims, found) if found else {}


def majors(settings: Settings) -> dict[str, str]:
    """Major version of a managed database by its claim; none where it is not known."""
    own = settings.database
    if not (isinstance(own, database.ManagedDatabase) and own.runs_pods):
        return {}
    found = major(f":{own.image.tag_or(own.default_image)}")
    return {own.claim: found} if found else {}


def require_readable(before: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Raise ProtectedError where a server would not read the data on its claim."""
    for claim, version in now.items():
        if before.get(claim, version) != version:
            raise ProtectedError(
                f"database.image.tag: claim {claim} holds data of PostgreSQL {before[claim]}, which version {version} "
                "does not read; nothing was changed. Keep the tag, or move the data to a new claim: "
                "docs/production.md, Another major version of PostgreSQL"
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
