"""Whether an edit takes production's data out of the stack, decided before the engine changes anything.

The engine itself refuses to delete a protected resource only when it comes to it: by then a run without a preview has
deleted what was not protected.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import pulumi

from archesai_infra.stack.config import PROJECT

OUTPUT = "protectedModules"
"""The stack's output that lists the modules whose data is protected."""


class ProtectedError(Exception):
    """A module with protected data is missing from the stack."""


def protected_before(stack: str) -> Sequence[str]:
    """The modules that the last complete `up` of the stack protected; none before the first."""
    name = f"{pulumi.get_organization()}/{PROJECT}/{stack}"
    found: Any = pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", {"name": name}).value
    return tuple((found or {}).get("outputs", {}).get(OUTPUT, ()))


def require_protected(before: Collection[str], declared: Collection[str]) -> None:
    """Raise ProtectedError for modules that were protected and are no longer declared."""
    if missing := sorted(set(before) - set(declared)):
        names = ", ".join(missing)
        raise ProtectedError(
            f"production data is protected: {names} would be deleted, and nothing was changed. To keep it, take the "
            f"edit back. To let it go, make a backup, name it in the stack file (security.unprotected: [{names}]), run "
            "`up`, and make the edit then: volumes and the namespace stay in the cluster while retainData is true."
        )
