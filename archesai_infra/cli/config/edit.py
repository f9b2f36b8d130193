"""`arches config set` and `unset`: Pulumi's own edit of the stack file, taken back where the result is wrong."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from archesai_infra.cli.base import project
from archesai_infra.cli.base.exits import CommandError, Exit, friendly
from archesai_infra.cli.base.options import DEFAULT_STACK, Stack, read_stack
from archesai_infra.cli.engine import state
from archesai_infra.cli.engine.command import Command
from archesai_infra.cli.engine.engine import needed
from archesai_infra.stack.config import PROJECT, ConfigError, load

KeyOption = Annotated[str, typer.Argument(help="Dotted key, such as redis.enabled.")]


@friendly
def set_key(
    key: KeyOption,
    value: Annotated[
        str | None, typer.Argument(help="The value; of a secret it is asked for, or read from a pipe.")
    ] = None,
    *,
    stack: Stack = DEFAULT_STACK,
    secret: Annotated[bool, typer.Option("--secret", help="Store it encrypted.")] = False,
) -> None:
    """Set a key of the stack file as `pulumi config set --path` does; a value that is refused changes nothing."""
    given = _secret_value(key) if secret and value is None else value
    if given is None:
        raise CommandError(f"{key}: no value; a value follows the key: arches config set {key} <value>", Exit.INPUT)
    # Through a pipe: other users of the machine see the arguments of a program.
    _edit(stack, "set", *(["--secret"] if secret else []), f"{PROJECT}:{key}", stdin=given)
    typer.echo(f"{key} is set in Pulumi.{stack}.yaml; see what it changes: arches preview --stack {stack}")


@friendly
def unset_key(key: KeyOption, *, stack: Stack = DEFAULT_STACK) -> None:
    """Take a key out of the stack file, so that its default holds again."""
    _edit(stack, "rm", f"{PROJECT}:{key}")
    typer.echo(f"{key} is no longer in Pulumi.{stack}.yaml; see what it changes: arches preview --stack {stack}")


def _secret_value(key: str) -> str:
    return typer.prompt(key, hide_input=True) if sys.stdin.isatty() else sys.stdin.read().rstrip("\n")


def _edit(stack: str, *arguments: str, stdin: str = "") -> None:
    """Edit the stack file; raises ConfigError with the file as it was where the outcome does not hold together."""
    read_stack(stack)
    root = project.root()
    command = Command(root, stack, needed(root), state.environment(root))
    # A stack that the state does not have yet is made, and its salt, which the state needs, is in the file.
    command.run("config")
    path = root / f"Pulumi.{stack}.yaml"
    before = path.read_bytes()
    try:
        command.run("config", *arguments, "--path", stdin=stdin)
        load(read_stack(stack))
    except (CommandError, ConfigError):
        path.write_bytes(before)
        raise
