"""The engine's preview."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import typer
from pulumi.automation import Stack

from archesai_infra.cli.base.cluster import ClusterError
from archesai_infra.cli.base.errors import CommandError
from archesai_infra.cli.base.kubeconfig import connect, reach
from archesai_infra.cli.digest.digest import REACHABILITY, STATE_ONLY, VIOLATIONS
from archesai_infra.cli.engine import plans, state
from archesai_infra.cli.engine.classes import obstacles
from archesai_infra.cli.engine.engine import Engine
from archesai_infra.cli.engine.events import collect_violations
from archesai_infra.cli.engine.operations import FORCING, packs_of
from archesai_infra.cli.engine.policy import annotated
from archesai_infra.cli.engine.running import color, is_of_plans, print_output, run_engine, show_changes
from archesai_infra.cli.engine.workspace import open_stack, unchanged
from archesai_infra.cli.preview.choice import Choice
from archesai_infra.components.ingress.classes import made_classes
from archesai_infra.stack.config import RawConfig, load
from archesai_infra.stack.settings import Settings


def preview_with_engine(root: Path, raw: RawConfig, engine: Engine, choice: Choice) -> None:
    """The engine's preview, below a line that says whether the cluster answered; no file of the project changes."""
    settings, _ = load(raw)
    reachability = reach(settings.cluster.context, settings.cluster.kubeconfig)
    typer.echo(reachability.line, err=choice.json)
    if reachability.version is not None and any(made_classes(settings.ingress)):
        _warn_of_taken_classes(settings, raw.stack)
    variables = state.environment(root) | (FORCING if choice.refresh else {})
    saving = plans.new_file(choice.save_plan, raw.stack) if choice.save_plan else nullcontext()
    with unchanged(root / f"Pulumi.{raw.stack}.yaml"), saving as plan:
        stack = open_stack(root, raw.stack, engine, variables)
        look = partial(
            stack.preview,
            diff=choice.diff,
            refresh=choice.refresh,
            json=choice.json,
            color=color(),
            policy_packs=packs_of(root, wanted=choice.policy),
            plan=str(plan.resolve()) if plan else None,
        )
        if choice.json:
            _print_document(look, reachability.line if reachability.version else f"{reachability.line}. {STATE_ONLY}")
        else:
            show_changes(look)
            if not choice.refresh:
                _warn_of_an_unfinished_run(stack)
    if choice.save_plan:
        apply = f"arches up --stack {raw.stack} --plan {choice.save_plan}"
        typer.echo(f"The plan is in {choice.save_plan}; to apply what it holds and nothing else: {apply}", err=True)


def _warn_of_an_unfinished_run(stack: Stack) -> None:
    """Say where the state does not know what a killed run changed, of which the engine's preview says nothing."""
    if (stack.export_stack().deployment or {}).get("pending_operations"):
        typer.echo(
            "warning: an earlier run did not end, and this preview compares with the state, which lacks what that run "
            f"changed. With what the cluster has: arches preview --stack {stack.name} --refresh",
            err=True,
        )


def _warn_of_taken_classes(settings: Settings, stack: str) -> None:
    """Say which classes an `up` would stumble over, which the engine's preview does not see."""
    try:
        with connect(settings.cluster.context, settings.cluster.kubeconfig) as connected:
            problems = obstacles(connected, settings, stack)
    except ClusterError as error:
        # A user who may preview may lack the right to read objects of the whole cluster.
        problems = [f"the classes of the cluster cannot be read: {error.problem}"]
    for line in problems:
        typer.echo(f"warning: {line}", err=True)


def _print_document(look: Callable[..., object], reached: str) -> None:
    """Print the engine's JSON with what it leaves out: whether the cluster answered, and what breaks a policy."""
    output: list[str] = []
    violations: list[str] = []
    try:
        run_engine(partial(look, on_output=output.append, on_event=collect_violations(violations)))
    except CommandError as error:
        if not any(output):
            raise
        # The engine's document, which has its own errors, is the one document on standard output.
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(error.code) from error
    finally:
        more: dict[str, object] = {REACHABILITY: reached}
        text = "\n".join(line for line in output if not is_of_plans(line))
        print_output(annotated(text, more | ({VIOLATIONS: violations} if violations else {})))
