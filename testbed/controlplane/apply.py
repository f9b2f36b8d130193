"""Server-side apply of rendered objects, keeping the server's answer for each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from testbed.controlplane.api import APPLY_PATCH, Api, ApiError, NoSuchKindError, Object, label


class ApplyError(AssertionError):
    """Some objects were not accepted; the message names each with the server's reason."""


@dataclass(frozen=True)
class Applied:
    """One object and what became of it."""

    item: Object
    result: Object | None
    warnings: tuple[str, ...] = ()
    error: ApiError | NoSuchKindError | None = None

    @property
    def label(self) -> str:
        return label(self.item)


@dataclass(frozen=True)
class Outcome:
    """All objects of one apply, in order."""

    applied: tuple[Applied, ...]

    @property
    def errors(self) -> dict[str, str]:
        """The server's reason by object, for those it refused."""
        return {one.label: str(one.error) for one in self.applied if one.error is not None}

    @property
    def warnings(self) -> dict[str, tuple[str, ...]]:
        """The server's warnings by object, for those that drew any."""
        return {one.label: one.warnings for one in self.applied if one.warnings}

    @property
    def results(self) -> list[Object]:
        """The accepted objects as the server returned them."""
        return [one.result for one in self.applied if one.result is not None]

    def check(self) -> Outcome:
        """Itself, if every object was accepted."""
        if self.errors:
            lines = [f"- {name}: {reason}" for name, reason in self.errors.items()]
            raise ApplyError("\n".join([f"{len(lines)} of {len(self.applied)} objects were refused:", *lines]))
        return self


def apply(
    api: Api, items: Iterable[Object], *, manager: str = "tests", force: bool = True, dry_run: bool = False
) -> Outcome:
    """Apply objects in the order given; one that is refused does not stop the others."""
    query = {"fieldManager": manager, "fieldValidation": "Strict", "force": str(force).lower()}
    if dry_run:
        query["dryRun"] = "All"
    return Outcome(tuple(_apply_one(api, item, query) for item in items))


def _apply_one(api: Api, item: Object, query: dict[str, str]) -> Applied:
    try:
        reply = api.request("PATCH", api.path_of(item), query=query, body=item, content_type=APPLY_PATCH)
    except (ApiError, NoSuchKindError) as error:
        return Applied(item, None, error=error)
    return Applied(item, reply.body, reply.warnings)
