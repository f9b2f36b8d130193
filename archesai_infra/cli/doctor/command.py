"""`arches doctor`: the options."""

from __future__ import annotations

from typing import Annotated

import typer

from archesai_infra.cli.base.options import DEFAULT_STACK, Json, Stack


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor)


def doctor(
    *,
    stack: Stack = DEFAULT_STACK,
    drift: Annotated[bool, typer.Option("--drift", help="Also compare the state with the cluster; slow.")] = False,
    json: Json = False,
) -> None:
    """Check the machine, the stack file and the cluster. Changes nothing; exits with 1 if there is a problem."""
    from archesai_infra.cli.doctor.examination import show

    show(stack, drift=drift, json=json)
