"""Tables: columns for a person, one line a row for a pipe. Apart from the rest, for Rich takes long to load."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import typer
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from archesai_infra.cli.base.console import interactive, print_lines
from archesai_infra.cli.base.wrapping import widest_command, wrapped

STYLES = {"ok": "green", "warning": "yellow", "problem": "bold red", "skipped": "dim"}
_PROSE = 24
"""Columns that the last cell of a row needs at least, to be worth wrapping."""
_GAP = 2
_LINES = 1
"""Columns that a table's lines take beside each of its own."""


def console() -> Console:
    """A console on standard output; Rich itself obeys NO_COLOR and drops colours in a pipe."""
    return Console(highlight=False, soft_wrap=not interactive())


def print_table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table whose last column wraps; names are never cut, and commands never broken.

    In a pipe it is one line a row with tabs between the cells and no headers, for `cut` and `grep`; on a terminal that
    is too narrow, a row takes several lines.
    """
    if not interactive():
        for row in rows:
            typer.echo("\t".join(row))
        return
    screen, rows = console(), [list(row) for row in rows]
    widths = [max(cell_len(cells[column]) for cells in [list(headers), *rows]) for column in range(len(headers))]
    first = sum(width + _GAP for width in widths[:-1])
    room = screen.width - first - _LINES * (len(headers) + 1)
    unbroken = max((max(widest_command(row[-1]), _widest_word(row[-1])) for row in rows), default=0)
    if min(widths[-1], max(_PROSE, unbroken)) > room:
        if first - _GAP <= screen.width:
            _print_pairs(screen, widths, rows)
        else:
            _print_records(screen, headers, rows)
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for header in headers[:-1]:
        table.add_column(header, no_wrap=True)
    table.add_column(headers[-1], overflow="fold")
    for row in rows:
        cells = [*row[:-1], "\n".join(wrapped(row[-1], room, indent=0))]
        table.add_row(*(Text(cell, style=STYLES.get(cell, "")) for cell in cells))
    screen.print(table)


def _widest_word(text: str) -> int:
    """Columns of the widest word, such as the name of an image: a name that is cut cannot be copied."""
    return max((cell_len(word) for word in text.split()), default=0)


def _print_pairs(screen: Console, widths: list[int], rows: list[list[str]]) -> None:
    """Each row on two lines: the names in their columns, and below them the prose."""
    for row in rows:
        names = [
            Text(cell.ljust(width + _GAP), style=STYLES.get(cell, ""))
            for cell, width in zip(row[:-1], widths, strict=False)
        ]
        screen.print(Text.assemble(*names), end="\n", soft_wrap=True)
        if row[-1]:
            print_lines([f"{' ' * (widths[0] + _GAP)}{row[-1]}"])


def _print_records(screen: Console, headers: Sequence[str], rows: list[list[str]]) -> None:
    """Each row as a block of lines: the first cell, and below it the others with their headers."""
    for row in rows:
        print_lines([row[0]])
        for header, cell in zip(headers[1:], row[1:], strict=True):
            if cell:
                label = f"  {header}: " if header else "  "
                if cell in STYLES:
                    screen.print(Text.assemble(label, (cell, STYLES[cell])))
                else:
                    print_lines([f"{label}{cell}"])
