"""The changes of a preview for a terminal, by module, with old and new values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

import typer

from archesai_infra.cli.diff.show import described
from archesai_infra.cli.digest.changes import Change, changes, restarts, totals
from archesai_infra.cli.digest.flows import flow_changes
from archesai_infra.cli.digest.risks import lost_with, risks, successor

_SIGNS = {"create": "+", "update": "~", "revision": "~", "replace": "±", "delete": "-"}
_COLORS = {"create": "green", "update": "yellow", "revision": "yellow", "replace": "magenta", "delete": "red"}
_SHOWN = 8
"""Properties shown for one object."""


def lines(preview: Mapping[str, Any], *, color: bool, creations: bool = True) -> Iterator[str]:
    """Summary first, then every change; without `creations` only those of what exists."""
    listed = changes(preview)
    yield from summary(preview, color=color)
    shown = [change for change in listed if creations or change.operation != "create"]
    for module, items in groupby(shown, key=lambda change: change.module):
        yield ""
        yield f"{module}:"
        for change in items:
            yield _styled(f"  {_SIGNS[change.operation]} {_label(change)}{_note(change)}", change, color=color)
            yield from _properties(change)


def summary(preview: Mapping[str, Any], *, color: bool) -> Iterator[str]:
    """Numbers, data at risk, what restarts, and which network flows open and close."""
    listed = changes(preview)
    yield f"Changes:  {totals(listed)}"
    lost, kept = risks(listed)
    for change in lost:
        line = f"At risk:  {change.operation.upper()}S {_label(change)}; {lost_with(change)} would be gone"
        yield typer.style(line, fg="red", bold=True) if color else line
    yield from (f"Leaves:   {_label(change)}; it stays in the cluster{successor(change)}" for change in kept)
    if restarting := restarts(listed):
        yield f"Restarts: {', '.join(restarting)}"
    flows = flow_changes(preview)
    yield from (f"Opens:    {flow}" for flow in flows.opened)
    yield from (f"Closes:   {flow}" for flow in flows.closed)


def _label(change: Change) -> str:
    return f"{change.kind} {change.name}"


def _styled(line: str, change: Change, *, color: bool) -> str:
    return typer.style(line, fg=_COLORS[change.operation]) if color else line


def _note(change: Change) -> str:
    if change.operation == "revision":
        return " (new revision)"
    return f" ({change.how})" if change.how else ""


def _properties(change: Change) -> Iterator[str]:
    for item in change.properties[:_SHOWN]:
        if item.shown:
            yield from described(item.path, item.old, item.new)
        else:
            yield f"    {item.path}"
    hidden = len(change.properties) - _SHOWN
    if hidden > 0:
        yield f"    and {hidden} more"
