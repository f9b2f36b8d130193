"""Options that several commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from archesai_infra.cli.console import JSON_HELP

if TYPE_CHECKING:
    from archesai_infra.config import RawConfig


def _stack_names(incomplete: str) -> list[str]:
    from archesai_infra.cli.project import root
    from archesai_infra.stackfile import stacks

    return [name for name in stacks(root()) if name.startswith(incomplete)]


Stack = Annotated[
    str, typer.Option("--stack", "-s", envvar="STACK", help="Name of the stack.", autocompletion=_stack_names)
]
StackName = Annotated[str, typer.Argument(help="Name of a stack.", autocompletion=_stack_names)]
Json = Annotated[bool, typer.Option("--json", help=JSON_HELP)]
DEFAULT_STACK = "dev"


def read_stack(stack: str) -> RawConfig:
    """The configuration in a stack's file, without the engine; raises ConfigError."""
    from archesai_infra.cli.project import root
    from archesai_infra.stackfile import read

    return read(root(), stack)
