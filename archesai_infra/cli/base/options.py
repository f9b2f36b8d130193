"""Options that several commands share, and their completion."""

from __future__ import annotations

from typing import Annotated

import typer

DEFAULT_STACK = "dev"


def complete_stacks(incomplete: str) -> list[str]:
    """Names of stacks, for the shell."""
    from archesai_infra.cli.base.completion import stack_names

    return stack_names(incomplete)


Stack = Annotated[
    str, typer.Option("--stack", "-s", envvar="STACK", help="Name of the stack.", autocompletion=complete_stacks)
]
StackName = Annotated[str, typer.Argument(help="Name of a stack.", autocompletion=complete_stacks)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
