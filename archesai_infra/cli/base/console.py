"""What commands print: colours for a person, plain lines for a pipe, JSON for a script."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable

import typer

from archesai_infra.cli.base.wrapping import pieces, shows_colors


def interactive() -> bool:
    """Whether a person watches standard output."""
    return sys.stdout.isatty()


def colored() -> bool:
    """Whether standard output shows colours."""
    return shows_colors(sys.stdout)


def print_lines(lines: Iterable[str], indent: int | None = None) -> None:
    """Lines as they are in a pipe, wrapped between words on a terminal; their later pieces begin at `indent`."""
    for line in lines:
        for piece in pieces(line, sys.stdout, indent):
            typer.echo(piece)


def print_json(data: object) -> None:
    """One JSON document, keys in the order given."""
    typer.echo(json.dumps(data, indent=2, ensure_ascii=False, default=str))
