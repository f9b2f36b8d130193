"""`arches render`: the options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from archesai_infra.cli.base.options import DEFAULT_STACK, Stack


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("render")(render)


def render(
    *,
    stack: Stack = DEFAULT_STACK,
    out: Annotated[
        Path | None, typer.Option("--output", "--out", "-o", help="Directory for one file per object.")
    ] = None,
    show_secrets: Annotated[
        bool, typer.Option("--show-secrets", help="Include Secrets; generated values are new in every run.")
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="Only check that the directory is current.")] = False,
) -> None:
    """Write the stack as Kubernetes manifests: to standard output, or with --output one file per object.

    Secrets whose values are hidden are left out and named on standard error.

    In the directory only files of an earlier render are removed; a directory with other files is refused.
    """
    from archesai_infra.cli.render import output

    output.render(stack, out, show_secrets=show_secrets, check=check)
