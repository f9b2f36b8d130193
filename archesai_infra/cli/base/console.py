"""What commands print: colours and tables for a person, plain lines for a pipe, JSON for a script."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

JSON_HELP = "Print JSON for scripts."
STYLES = {"ok": "green", "warning": "yellow", "problem": "bold red", "skipped": "dim"}


def console() -> Console:
    """A console on standard output; Rich itself obeys NO_COLOR and drops colours in a pipe."""
    return Console(highlight=False, soft_wrap=not interactive())


def interactive() -> bool:
    """Whether a person watches standard output."""
    return sys.stdout.isatty()


def print_json(data: object) -> None:
    """One JSON document, keys in the order given."""
    typer.echo(json.dumps(data, indent=2, ensure_ascii=False, default=str))


def print_table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table; in a pipe one line a row with tabs between the cells and no headers, for `cut` and `grep`."""
    if not interactive():
        for row in rows:
            typer.echo("\t".join(row))
        return

    table = Table(*headers, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(cell, style=STYLES.get(cell, "")) for cell in row))
    console().print(table)
