"""`arches move`: the options."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from archesai_infra.cli.base.options import DEFAULT_STACK, LocalState, Stack, Yes


def register(app: typer.Typer) -> None:
    """Add the command."""
    group = typer.Typer(no_args_is_help=True, help="Move data to another form of its module.")
    # With a callback it stays a group.
    group.callback()(lambda: None)
    group.command("database")(database)
    app.add_typer(group, name="move")


def database(
    *,
    stack: Stack = DEFAULT_STACK,
    to: Annotated[Literal["cluster"] | None, typer.Option("--to", help="`database.mode` that it gets.")] = None,
    undo: Annotated[
        bool, typer.Option("--undo", help="Go back to the old server, without what was written to the cluster.")
    ] = False,
    timeout: Annotated[int, typer.Option("--timeout", min=60, help="Time for the copy, in seconds.")] = 24 * 3600,
    yes: Yes = False,
    local_state: LocalState = False,
) -> None:
    """Copy the database of the single pod or of a server elsewhere to a cluster while it is in use, and switch to it.

    Writers wait for the last rows, the comparison and the switch. The old server stays, and --undo goes back to it. A
    move that is interrupted leaves the old server in use; the same command goes on.
    """
    from archesai_infra.cli.engine.operations import Change
    from archesai_infra.cli.move.run import move
    from archesai_infra.cli.move.undo import undo as go_back

    change = Change(yes=yes, local_state=local_state)
    if undo:
        go_back(stack, change)
    else:
        move(stack, to, change, timeout)
