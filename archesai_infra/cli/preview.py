"""`arches preview`: what an `up` would do, with the engine or, where there is none, what the program declares."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from archesai_infra.cli import project

if TYPE_CHECKING:
    from pathlib import Path

    from archesai_infra.config import RawConfig

StackOption = Annotated[str, typer.Option("--stack", "-s", help="Name of the stack.")]
OfflineOption = Annotated[bool, typer.Option("--offline", help="Evaluate in-process even where there is an engine.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("preview")(preview)


def preview(
    *,
    stack: StackOption = "dev",
    offline: OfflineOption = False,
    diff: Annotated[bool, typer.Option("--diff", help="Show each property that changes.")] = False,
    refresh: Annotated[bool, typer.Option("--refresh", help="Compare with the cluster, not with the state.")] = False,
    json: Annotated[bool, typer.Option("--json", help="The engine's own digest, for scripts.")] = False,
) -> None:
    """Show what `up` would do. Needs no cluster, and without an engine shows what the program declares."""
    from archesai_infra.cli.engine import NoEngineError, obtain

    root = project.root()
    raw = read_config(root, stack)
    if offline:
        show_offline(raw, "it was asked for; nothing is compared with a state or a cluster")
        return
    try:
        engine = obtain(root)
    except NoEngineError as error:
        show_offline(raw, str(error))
        return
    from archesai_infra.cli.operations import preview_with_engine

    preview_with_engine(root, raw, engine, diff=diff, refresh=refresh, json=json)


def read_config(root: Path, stack: str) -> RawConfig:
    """The stack file, or its errors and exit code 2."""
    from archesai_infra.config import ConfigError, load
    from archesai_infra.stackfile import read

    try:
        raw = read(root, stack)
        load(raw)
    except ConfigError as error:
        for reason in error.reasons:
            typer.echo(f"error: {reason}", err=True)
        raise typer.Exit(2) from None
    return raw


def show_offline(raw: RawConfig, reason: str) -> None:
    """The declared stack as a tree, and why it is no comparison."""
    from archesai_infra.cli.show import summary, tree
    from archesai_infra.evaluate import evaluate

    evaluation = evaluate(raw)
    color = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    typer.echo(f"Offline evaluation of stack {raw.stack}: {reason}")
    typer.echo()
    for line in tree(evaluation, raw.stack, color=color):
        sys.stdout.write(f"{line}\n")
    typer.echo()
    for line in summary(evaluation):
        typer.echo(line)
