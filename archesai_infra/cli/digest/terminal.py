"""The changes of a preview for a terminal, by module, with old and new values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

import typer

from archesai_infra.cli.diff.show import described
from archesai_infra.cli.digest.changes import Change, changes, restarts, totals
from archesai_infra.cli.digest.flows import flow_changes

_SIGNS = {"create": "+", "update": "~", "revision": "~", "replace": "±", "delete": "-"}
_COLORS = {"create": "green", "update": "yellow", "revision": "yellow", "replace": "magenta", "delete": "red"}
_SHOWN = 8
"""Properties shown for one object."""


def lines(preview: Mapping[str, Any], *, color: bool) -> Iterator[str]:
    """Summary first, then every change."""
    listed = changes(preview)
    yield f"Changes:  {totals(listed)}"
    if restarting := restarts(listed):
        yield f"Restarts: {', '.join(restarting)}"
    flows = flow_changes(preview)
    yield from (f"Opens:    {flow}" for flow in flows.opened)
    yield from (f"Closes:   {flow}" for flow in flows.closed)
    for module, items in groupby(listed, key=lambda change: change.module):
        yield ""
        yield f"{module}:"
        for change in items:
            line = f"  {_SIGNS[change.operation]} {change.kind} {change.name}{_note(change)}"
            yield typer.style(line, fg=_COLORS[change.operation]) if color else line
            yield from _properties(change)


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
