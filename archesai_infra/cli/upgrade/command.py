"""`arches upgrade`: the options."""

from __future__ import annotations

from typing import Annotated

import typer

from archesai_infra.cli.base.options import DEFAULT_STACK, LocalState, Stack, Yes


def register(app: typer.Typer) -> None:
    """Add the command."""
    group = typer.Typer(no_args_is_help=True, help="Move data to another major version of its server.")
    # With a callback it stays a group.
    group.callback()(lambda: None)
    group.command("database")(database)
    app.add_typer(group, name="upgrade")


def database(
    *,
    stack: Stack = DEFAULT_STACK,
    to: Annotated[int | None, typer.Option("--to", min=10, help="Major version of PostgreSQL.")] = None,
    tag: Annotated[
        str | None, typer.Option("--tag", help="Tag of the image, where it does not follow from the present one.")
    ] = None,
    undo: Annotated[
        bool, typer.Option("--undo", help="Go back to the claim and the version before, without later writes.")
    ] = False,
    timeout: Annotated[int, typer.Option("--timeout", min=60, help="Time for the copy, in seconds.")] = 4 * 3600,
    yes: Yes = False,
    local_state: LocalState = False,
) -> None:
    """Copy the database to a server of another major version on a claim of its own, compare, and switch to it.

    Writers wait from the dump to the switch; readers go on. The old claim is kept, and --undo goes back to it. A copy
    that is interrupted leaves the old server as it was; the same command starts over.
    """
    from archesai_infra.cli.engine.operations import Change
    from archesai_infra.cli.upgrade.run import undo as go_back
    from archesai_infra.cli.upgrade.run import upgrade

    change = Change(yes=yes, local_state=local_state)
    if undo:
        go_back(stack, change)
    else:
        upgrade(stack, to, tag, change, timeout)
