"""Print the differences between two stacks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from difflib import ndiff
from itertools import groupby

import typer

from archesai_infra.cli.base.console import colored, print_json, print_lines
from archesai_infra.cli.base.errors import Exit
from archesai_infra.cli.base.stacks import read_stack
from archesai_infra.cli.base.text import counted, value_text
from archesai_infra.cli.diff.differences import Difference, differences
from archesai_infra.stack.evaluate import evaluate

WIDEST = 160
"""Characters of a value on one line; longer ones are shortened."""
_COLORS = {"only left": "red", "only right": "green", "differs": "yellow"}


def show(left: str, right: str, *, exit_code: bool, json: bool) -> None:
    """Print how two stacks differ; with `exit_code` the exit status is 1 where they do."""
    changed = differences(*(evaluate(read_stack(stack)) for stack in (left, right)))
    if json:
        print_json([asdict(item) for item in changed])
    else:
        print_lines(lines(changed, left, right, color=colored()))
    if changed and exit_code:
        raise typer.Exit(Exit.FOUND)


def lines(changed: list[Difference], left: str, right: str, *, color: bool = False) -> Iterator[str]:
    """The differences for a terminal, by module, and a summary."""
    sides = {"only left": f": only in {left}", "only right": f": only in {right}", "differs": ""}
    for module, items in groupby(sorted(changed, key=lambda item: item.module), key=lambda item: item.module):
        yield f"{module}:"
        for item in items:
            line = f"  {item.object}{sides[item.status]}"
            yield typer.style(line, fg=_COLORS[item.status]) if color else line
            yield from (f"    {flow}" for flow in item.flows)
            for change in item.changes:
                yield from described(change.path, change.left, change.right)
    if not changed:
        yield f"{left} and {right} declare the same."
        return
    counts = Counter(item.status for item in changed)
    yield (
        f"{counted(len(changed), 'difference')}: {counts['only left']} only in {left}, "
        f"{counts['only right']} only in {right}, {counts['differs']} differ"
    )


def described(path: str, left: object, right: object) -> Iterator[str]:
    """A property with both values; texts of several lines as a difference of lines."""
    if not (isinstance(left, str) and isinstance(right, str) and "\n" in left + right):
        yield f"    {path}: {shortened(left)} -> {shortened(right)}"
        return
    yield f"    {path}:"
    yield from (f"      {line}" for line in text_changes(left, right))


def text_changes(left: str, right: str) -> list[str]:
    """The lines in which two texts differ, each with `-` or `+` before it."""
    return [line for line in ndiff(left.splitlines(), right.splitlines()) if line[0] in "+-"]


def shortened(value: object, widest: int = WIDEST) -> str:
    """A value on one line that fits."""
    line = value_text(value)
    return line if len(line) <= widest else f"{line[: widest - 2]} …"
