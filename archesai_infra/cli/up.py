"""`arches up` and `arches destroy`."""

from __future__ import annotations

from typing import Annotated

import typer

from archesai_infra.cli.base import project
from archesai_infra.cli.base.exits import friendly
from archesai_infra.cli.base.options import DEFAULT_STACK, Stack
from archesai_infra.cli.preview import checked

YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("up")(up)
    app.command("destroy")(destroy)


@friendly
def up(
    *,
    stack: Stack = DEFAULT_STACK,
    yes: YesOption = False,
    refresh: Annotated[bool, typer.Option("--refresh", help="Read the cluster first and heal what drifted.")] = False,
    policy: Annotated[
        bool | None, typer.Option("--policy/--no-policy", help="Judge it by the policy pack; in production it is.")
    ] = None,
    take_over: Annotated[
        bool, typer.Option("--take-over", help="After the state was lost: take over what is there, with its data.")
    ] = False,
) -> None:
    """Make the cluster what the stack file says."""
    from archesai_infra.cli.engine import operations
    from archesai_infra.cli.engine.engine import needed

    root = project.root()
    operations.up(root, checked(stack), needed(root), yes=yes, refresh=refresh, policy=policy, take_over=take_over)


@friendly
def destroy(*, stack: Stack = DEFAULT_STACK, yes: YesOption = False) -> None:
    """Remove the stack's objects, all but the data that is kept."""
    from archesai_infra.cli.engine import operations
    from archesai_infra.cli.engine.engine import needed

    root = project.root()
    operations.destroy(root, checked(stack), needed(root), yes=yes)
