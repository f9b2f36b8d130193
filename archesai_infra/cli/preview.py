"""`arches preview`: what an `up` would do, with the engine or, where there is none, what the program declares."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from archesai_infra.cli import project
from archesai_infra.cli.exits import friendly
from archesai_infra.cli.options import DEFAULT_STACK, Stack
from archesai_infra.config import RawConfig

OfflineOption = Annotated[bool, typer.Option("--offline", help="Evaluate in-process even where there is an engine.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("preview")(preview)


@friendly
def preview(
    *,
    stack: Stack = DEFAULT_STACK,
    offline: OfflineOption = False,
    diff: Annotated[bool, typer.Option("--diff", help="Show each property that changes.")] = False,
    refresh: Annotated[bool, typer.Option("--refresh", help="Compare with the cluster, not with the state.")] = False,
    json: Annotated[bool, typer.Option("--json", help="The engine's own digest, for scripts.")] = False,
) -> None:
    """Show what `up` would do. Needs no cluster, and without an engine shows what the program declares."""
    from archesai_infra.cli.engine import NoEngineError, obtain

    root = project.root()
    raw = checked(stack)
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


def checked(stack: str) -> RawConfig:
    """The configuration of a stack file that holds together; raises ConfigError."""
    from archesai_infra.cli.options import read_stack
    from archesai_infra.config import load

    raw = read_stack(stack)
    load(raw)
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
