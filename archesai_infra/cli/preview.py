"""`arches preview`: what an `up` would do, with the engine or, where there is none, what the program declares."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from archesai_infra.cli.base import project
from archesai_infra.cli.base.exits import CommandError, Exit, friendly
from archesai_infra.cli.base.options import DEFAULT_STACK, Stack
from archesai_infra.stack.config import RawConfig

if TYPE_CHECKING:
    from archesai_infra.stack.evaluate import Evaluation

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
    policy: Annotated[bool, typer.Option("--policy", help="Judge it by the policy pack too.")] = False,
) -> None:
    """Show what `up` would do. Needs no cluster, and without an engine shows what the program declares."""
    from archesai_infra.cli.engine.engine import NoEngineError, obtain

    root = project.root()
    raw = checked(stack)
    if offline:
        show_offline(raw, "it was asked for; nothing is compared with a state or a cluster", policy=policy)
        return
    try:
        engine = obtain(root)
    except NoEngineError as error:
        show_offline(raw, str(error), policy=policy)
        return
    from archesai_infra.cli.engine.operations import preview_with_engine

    preview_with_engine(root, raw, engine, diff=diff, refresh=refresh, json=json, policy=policy)


def checked(stack: str) -> RawConfig:
    """The configuration of a stack file that holds together; raises ConfigError."""
    from archesai_infra.cli.base.options import read_stack
    from archesai_infra.stack.config import load

    raw = read_stack(stack)
    load(raw)
    return raw


def show_offline(raw: RawConfig, reason: str, *, policy: bool = False) -> None:
    """The declared stack as a tree, and why it is no comparison; raises CommandError for what breaks a policy."""
    from archesai_infra.cli.show import summary, tree
    from archesai_infra.stack.evaluate import evaluate

    evaluation = evaluate(raw)
    color = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    typer.echo(f"Offline evaluation of stack {raw.stack}: {reason}")
    typer.echo()
    for line in tree(evaluation, raw.stack, color=color):
        sys.stdout.write(f"{line}\n")
    typer.echo()
    for line in summary(evaluation):
        typer.echo(line)
    if policy:
        _judge(evaluation)


def _judge(evaluation: Evaluation) -> None:
    from archesai_infra.cli.engine.policy import violations

    found = list(violations(project.root(), evaluation))
    if found:
        raise CommandError("\n".join(found), Exit.FOUND)
    typer.echo(f"Policies: all {len(evaluation.objects)} objects keep them")
