"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from archesai_infra.cli.base.console import JSON_HELP
from archesai_infra.cli.base.project import root
from archesai_infra.stack.config import RawConfig
from archesai_infra.stack.stack_file import read, stacks


def _stack_names(incomplete: str) -> list[str]:

    return [name for name in stacks(root()) if name.startswith(incomplete)]


Stack = Annotated[
    str, typer.Option("--stack", "-s", envvar="STACK", help="Name of the stack.", autocompletion=_stack_names)
]
StackName = Annotated[str, typer.Argument(help="Name of a stack.", autocompletion=_stack_names)]
Json = Annotated[bool, typer.Option("--json", help=JSON_HELP)]
DEFAULT_STACK = "dev"


def read_stack(stack: str) -> RawConfig:
    """The configuration in a stack's file, without the engine; raises ConfigError."""
    return read(root(), stack)
