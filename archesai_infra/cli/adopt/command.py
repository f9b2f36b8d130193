"""`arches adopt`: the options."""

from __future__ import annotations

from typing import Annotated

import typer

from archesai_infra.cli.base.options import DEFAULT_STACK, Json, Stack, Yes


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("adopt")(adopt)


def adopt(
    *,
    stack: Stack = DEFAULT_STACK,
    namespace: Annotated[
        str | None, typer.Option("--namespace", "-n", help="Namespace of the deployment; by default the stack's own.")
    ] = None,
    plan: Annotated[
        bool, typer.Option("--plan", "--plan-only", help="Show the plan and exit; needs no engine.")
    ] = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Take a running deployment into the state: nothing is deleted, no pod restarts.

    Exits with 1 if it cannot be done, or while something is left to do before the first `up`.
    """
    from archesai_infra.cli.adopt.run import Choice, run

    run(stack, namespace, Choice(plan_only=plan, yes=yes, json=json))
