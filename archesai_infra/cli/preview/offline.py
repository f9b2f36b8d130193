"""The preview without an engine: the difference to a Git revision, or the whole stack as a tree."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from archesai_infra.cli.adopt.differences import immutable
from archesai_infra.cli.base.console import colored, print_json, print_lines
from archesai_infra.cli.digest.changes import changes
from archesai_infra.cli.digest.digest import REACHABILITY
from archesai_infra.cli.digest.revisions import lasting_urn
from archesai_infra.cli.digest.terminal import lines
from archesai_infra.cli.preview.against import Revision, revision
from archesai_infra.cli.preview.declaration import declared
from archesai_infra.cli.preview.tree import KINDS, summary, tree
from archesai_infra.stack.config import RawConfig
from archesai_infra.stack.evaluate import Evaluation


def show_offline(root: Path, evaluation: Evaluation, raw: RawConfig, reason: str, against: str, *, json: bool) -> bool:
    """Print what a stack declares, and how that differs from a revision; returns whether it does."""
    before = revision(root, raw, against)
    preview = document(evaluation, raw.stack, before, reason)
    if json:
        print_json(preview)
        return bool(changes(preview))
    if before is None or before.same:
        compared = f"nothing differs from {before.title}" if before else "nothing is compared"
        show_tree(evaluation, raw.stack, f"{reason}; {compared}", new=before is None)
        return False
    print_lines([f"Offline evaluation of stack {raw.stack}, compared with {before.title}: {reason}"])
    typer.echo()
    print_lines(lines(preview, color=colored()))
    return bool(changes(preview))


def show_tree(evaluation: Evaluation, stack: str, reason: str, *, new: bool = True) -> None:
    """Print everything that a stack declares; `new` where it is compared with nothing."""
    print_lines([f"Offline evaluation of stack {stack}: {reason}"])
    typer.echo()
    print_lines(tree(evaluation, stack, color=colored(), new=new), KINDS)
    typer.echo()
    print_lines(summary(evaluation, new=new))


def document(evaluation: Evaluation, stack: str, before: Revision | None, reason: str) -> dict[str, Any]:
    """The evaluation in the form of the engine's JSON preview, for scripts and `arches digest`."""
    after = declared(evaluation)
    steps = [] if before is not None and before.same else list(_steps(dict(before.states) if before else {}, after))
    return {
        "stack": stack,
        "comparedWith": before.title if before else None,
        REACHABILITY: f"Offline: {reason}. Compared with {before.title if before else 'nothing'}.",
        "steps": steps,
    }


def _steps(before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    olds, news = ({lasting_urn(urn, state): state for urn, state in states.items()} for states in (before, after))
    for urn in sorted({*olds, *news}):
        old, new = olds.get(urn), news.get(urn)
        if old is None or new is None:
            yield {"op": "create" if old is None else "delete", "urn": urn, "oldState": old, "newState": new}
        elif old["inputs"] != new["inputs"]:
            reasons = _replacing(old["inputs"], new["inputs"])
            operation = "replace" if reasons else "update"
            yield {"op": operation, "urn": urn, "oldState": old, "newState": new, "replaceReasons": reasons}


def _replacing(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Why an object is replaced instead of updated: another name, or a field that the server does not let change."""
    if "kind" not in new:
        return []
    renamed = [
        f"metadata.{key}" for key in ("name", "namespace") if old["metadata"].get(key) != new["metadata"].get(key)
    ]
    return renamed or [reason.partition(" ")[0] for reason in immutable(old, new)]
