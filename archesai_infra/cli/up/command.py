"""`arches up` and `arches destroy`: the options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from archesai_infra.cli.base.options import DEFAULT_STACK, LocalState, Stack, Yes


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("up")(up)
    app.command("rollback")(rollback)
    app.command("destroy")(destroy)
    app.command("cancel")(cancel)


def up(
    *,
    stack: Stack = DEFAULT_STACK,
    yes: Yes = False,
    refresh: Annotated[bool, typer.Option("--refresh", help="Read the cluster first and correct drift.")] = False,
    policy: Annotated[
        bool | None,
        typer.Option("--policy/--no-policy", help="Check against the policy pack (on by default in production)."),
    ] = None,
    take_over: Annotated[
        bool, typer.Option("--take-over", help="After a lost state: take existing objects into the new one.")
    ] = False,
    plan: Annotated[
        Path | None, typer.Option("--plan", help="Apply what `arches preview --save-plan` wrote and nothing else.")
    ] = None,
    local_state: LocalState = False,
) -> None:
    """Apply the stack file to the cluster, after showing the changes and asking.

    Production asks for the stack's name. `arches rollback` goes back to the stack file of an earlier commit.
    """
    from archesai_infra.cli.engine.operations import Change
    from archesai_infra.cli.engine.operations import up as apply

    change = Change(yes=yes, refresh=refresh, policy=policy, take_over=take_over, local_state=local_state, plan=plan)
    apply(stack, change)


def rollback(
    *,
    stack: Stack = DEFAULT_STACK,
    to: Annotated[
        str | None, typer.Option("--to", help="Git revision; by default the one before the last change of the file.")
    ] = None,
    yes: Yes = False,
    local_state: LocalState = False,
) -> None:
    """Put the stack file back to an earlier commit and apply it, after showing the changes and asking.

    The data, and what migrations changed in the database, stay as they are.
    """
    from archesai_infra.cli.engine.operations import Change
    from archesai_infra.cli.up.rolling_back import roll_back

    roll_back(stack, to, Change(yes=yes, local_state=local_state))


def destroy(*, stack: Stack = DEFAULT_STACK, yes: Yes = False, local_state: LocalState = False) -> None:
    """Remove the stack's objects, after showing them and asking; volumes are kept while retainData is true."""
    from archesai_infra.cli.engine.operations import Change
    from archesai_infra.cli.engine.operations import destroy as remove

    remove(stack, Change(yes=yes, local_state=local_state))


def cancel(*, stack: Stack = DEFAULT_STACK, yes: Yes = False) -> None:
    """Unlock the state after an operation was killed. Nothing in the cluster changes."""
    from archesai_infra.cli.up.unlocking import cancel as unlock

    unlock(stack, yes=yes)
