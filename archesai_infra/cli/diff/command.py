"""`arches diff`: the options."""

from __future__ import annotations

from typing import Annotated

import typer

from archesai_infra.cli.base.options import Json, StackName


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("diff")(diff)


def diff(
    left: StackName,
    right: StackName,
    *,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 1 if the stacks differ.")] = False,
    json: Json = False,
) -> None:
    """Compare what two stacks declare, object by object; their own names do not count. Needs no engine, no cluster."""
    from archesai_infra.cli.diff.show import show

    show(left, right, exit_code=exit_code, json=json)
