"""What an edit may not do to the data that the stack has, decided before the engine changes anything.

The engine itself refuses to delete a protected resource only when it comes to it: by then a run without a preview has
deleted what was not protected. The API server refuses to shrink a claim in the middle of a run.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from archesai_infra.stack.config import PROJECT

PROTECTED = "protectedModules"
"""The stack's output that lists the modules whose data is protected."""
VOLUMES = "volumes"
"""The stack's output with the largest size that each claim has asked for, also of modules that are off now."""


class ProtectedError(Exception):
    """A module with protected data is missing from the stack."""


@dataclass(frozen=True)
class Earlier:
    """What the last complete `up` of a stack recorded in its outputs."""

    protected: tuple[str, ...] = ()
    volumes: Mapping[str, str] = field(default_factory=dict[str, str])


def earlier(stack: str) -> Earlier:
    """Read the stack's own outputs from its state; nothing before the first `up`."""
    name = f"{pulumi.get_organization()}/{PROJECT}/{stack}"
    found: Any = pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", {"name": name}).value
    outputs = (found or {}).get("outputs") or {}
    return Earlier(tuple(outputs.get(PROTECTED, ())), outputs.get(VOLUMES, {}))


def require_protected(before: Collection[str], declared: Collection[str]) -> None:
    """Raise ProtectedError for modules that were protected and are no longer declared."""
    if missing := sorted(set(before) - set(declared)):
        names = ", ".join(missing)
        raise ProtectedError(
            f"production data is protected: {names} would be deleted, and nothing was changed. To keep it, take the "
            f"edit back. To let it go, make a backup, name it in the stack file (security.unprotected: [{names}]), run "
            "`up`, and make the edit then: volumes and the namespace stay in the cluster while retainData is true."
        )
