"""Release the lock that an operation holds on a stack's state."""

from __future__ import annotations

import typer

from archesai_infra.cli.base.confirm import confirm
from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.project import root as project_root
from archesai_infra.cli.base.stacks import read_stack
from archesai_infra.cli.engine import state
from archesai_infra.cli.engine.command import Command
from archesai_infra.cli.engine.engine import needed


def cancel(stack: str, *, yes: bool) -> None:
    """Remove the locks of a stack's state, after asking; raises CommandError where the state has no such stack."""
    read_stack(stack)
    root = project_root()
    engine = needed(root)
    if not yes:
        confirm(f"Unlock the state of stack {stack}? Two operations at once damage it: is no `up` in progress?")
    if Command(root, stack, engine, state.environment(root)).find("cancel", "--yes") is None:
        raise CommandError(f"the state has no stack {stack}", Exit.STATE)
    typer.echo(f"The state of stack {stack} is unlocked; continue: arches up --stack {stack}")
