"""Options that several commands share, and their completion."""

from __future__ import annotations

from typing import Annotated

import typer

DEFAULT_STACK = "dev"


def complete_stacks(incomplete: str) -> list[str]:
    """Names of stacks, for the shell."""
    from archesai_infra.cli.base.completion import stack_names

    return stack_names(incomplete)


def check_stack(context: typer.Context, stack: str) -> str:
    """The name of a stack as it was given; raises ConfigError for one that no stack can have."""
    if not context.resilient_parsing:
        from archesai_infra.cli.base.project import root
        from archesai_infra.stack.stack_file import check_name

        check_name(root(), stack)
    return stack


Stack = Annotated[
    str,
    typer.Option(
        "--stack",
        "-s",
        envvar="STACK",
        help="Name of the stack.",
        autocompletion=complete_stacks,
        callback=check_stack,
    ),
]
StackName = Annotated[
    str, typer.Argument(help="Name of a stack.", autocompletion=complete_stacks, callback=check_stack)
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
LocalState = Annotated[bool, typer.Option("--local-state", help="Allow a state on this machine for production.")]
