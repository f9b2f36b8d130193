"""`arches import-values`: the options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from archesai_infra.cli.base.options import Json, check_stack


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("import-values")(import_values)


def import_values(
    files: Annotated[
        list[Path], typer.Argument(help="Values files of the old chart in Helm's order; later files override earlier.")
    ],
    *,
    stack: Annotated[str, typer.Option("--stack", "-s", help="Name of the new stack.", callback=check_stack)] = "moved",
    out: Annotated[
        Path | None, typer.Option("--output", "--out", "-o", help="File to write; standard output without.")
    ] = None,
    json: Json = False,
) -> None:
    """Write a stack file from old Helm values, and list what has no place in it.

    Exits with 1 if the stack file needs corrections before it can be used.
    """
    from archesai_infra.cli.import_values.convert import convert

    convert(files, stack, out, json=json)
