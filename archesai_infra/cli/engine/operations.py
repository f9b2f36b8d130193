"""What the engine does to a stack, with the cluster and the state named before anything happens."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import typer
from pulumi.automation import CommandError as EngineError
from pulumi.automation import Stack

from archesai_infra.cli.base.cluster import ClusterError
from archesai_infra.cli.base.confirm import confirm, confirm_name
from archesai_infra.cli.base.console import colored
from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.kubeconfig import connect, reach
from archesai_infra.cli.base.project import root as project_root
from archesai_infra.cli.base.stacks import checked_stack
from archesai_infra.cli.digest.digest import REACHABILITY, STATE_ONLY, VIOLATIONS
from archesai_infra.cli.digest.terminal import lines, summary
from archesai_infra.cli.engine import state
from archesai_infra.cli.engine.classes import taken
from archesai_infra.cli.engine.command import Command
from archesai_infra.cli.engine.engine import Engine, needed
from archesai_infra.cli.engine.events import collect_steps, collect_violations
from archesai_infra.cli.engine.interrupts import waiting_for_the_engine
from archesai_infra.cli.engine.policy import annotated, pack
from archesai_infra.cli.engine.recovery import recover, unlocking
from archesai_infra.cli.engine.workspace import open_stack, unchanged
from archesai_infra.components.backups.keys import KEPT_SECRET
from archesai_infra.stack.config import RawConfig, load
from archesai_infra.stack.deploy import unpinned
from archesai_infra.stack.evaluate import evaluate
from archesai_infra.stack.settings import Settings

FORCING = {"PULUMI_K8S_ENABLE_PATCH_FORCE": "true"}
"""With these the engine takes back fields that others have edited, instead of a conflict for each."""
TAKING_OVER = FORCING | {"PULUMI_K8S_UPSERT_EXISTING_OBJECTS": "true"}
"""With these it also takes over objects that a stack with a lost state left, namespaces of charts among them."""


@dataclass(frozen=True)
class Change:
    """How the cluster is changed."""

    yes: bool = False
    """Do not ask."""
    refresh: bool = False
    """Read the cluster first and correct drift."""
    policy: bool | None = None
    """Check against the policy pack; None for the environment's default."""
    take_over: bool = False
    local_state: bool = False
    """Accept a state on this machine for production."""


@dataclass(frozen=True)
class _Session:
    """A stack that is opened for a change."""

    stack: Stack
    name: str
    settings: Settings
    variables: Mapping[str, str]

    def confirm(self, question: str) -> None:
        """Ask before a change: production asks for the stack's name; raises CommandError without it."""
        if self.settings.production:
            confirm_name(self.name, "stack")
        else:
            confirm(question)

    def ignoring_protection(self, command: str) -> str:
        """The engine's own command that ignores protection, with the state's address if the engine does not know it."""
        where = [
            f"{name}={value}"
            for name, value in sorted(self.variables.items())
            if name.startswith(("PULUMI_BACKEND", "PULUMI_CONFIG"))
        ]
        return " ".join([*where, "pulumi", command, "--ignore-protect", "--stack", self.name])


def preview_with_engine(
    root: Path, raw: RawConfig, engine: Engine, *, diff: bool, refresh: bool, json: bool, policy: bool
) -> None:
    """The engine's preview, below a line that says whether the cluster answered; no file of the project changes."""
    settings, _ = load(raw)
    reachability = reach(settings.cluster.context, settings.cluster.kubeconfig)
    typer.echo(reachability.line, err=json)
    if reachability.version is not None and settings.ingress.enabled and settings.ingress.controller.install:
        _warn_of_taken_classes(raw)
    variables = state.environment(root) | (FORCING if refresh else {})
    with unchanged(root / f"Pulumi.{raw.stack}.yaml"):
        stack = open_stack(root, raw.stack, engine, variables)
        packs = _packs(root, wanted=policy)
        look = partial(stack.preview, diff=diff, refresh=refresh, json=json, color=_color(), policy_packs=packs)
        if json:
            _print_document(look, reachability.line if reachability.version else f"{reachability.line}. {STATE_ONLY}")
        else:
            _show_changes(look)


def _warn_of_taken_classes(raw: RawConfig) -> None:
    """Say which classes an `up` would stumble over, which the engine's preview does not see."""
    declared = evaluate(raw, application=True)
    cluster = declared.settings.cluster
    try:
        with connect(cluster.context, cluster.kubeconfig) as connected:
            problems = taken(connected, declared)
    except ClusterError as error:
        # Whoever may preview need not be allowed to read objects of the whole cluster.
        problems = [f"the classes of the cluster cannot be read: {error.problem}"]
    for line in problems:
        typer.echo(f"warning: {line}", err=True)


def _print_document(look: Callable[..., object], reached: str) -> None:
    """Print the engine's JSON with what it leaves out: whether the cluster answered, and what breaks a policy."""
    output: list[str] = []
    violations: list[str] = []
    try:
        _run(partial(look, on_output=output.append, on_event=collect_violations(violations)))
    finally:
        more: dict[str, object] = {REACHABILITY: reached}
        _print(annotated("\n".join(output), more | ({VIOLATIONS: violations} if violations else {})))


def up(name: str, change: Change) -> None:
    """Change the cluster after showing the changes; what replaces or deletes stands out. Raises CommandError."""
    root, raw = project_root(), checked_stack(name)
    engine = needed(root)
    settings, _ = load(raw)
    if settings.production and settings.cluster.context is None:
        raise CommandError(unpinned(raw.stack), Exit.INPUT)
    force = TAKING_OVER if change.take_over else FORCING if change.refresh else {}
    session = _opened(root, raw, engine, change, force)
    stack = session.stack
    command = Command(root, raw.stack, engine, session.variables)
    left = recover(stack, raw, command, yes=change.yes, take_over=change.take_over)
    refresh = change.refresh or bool(left.lost)
    packs = _packs(root, wanted=settings.production if change.policy is None else change.policy)
    protection = session.ignoring_protection("up")
    if not change.yes or settings.production or packs:
        # What protection or a policy refuses has to be known before the first change: the engine would stop half-way.
        look = partial(stack.preview, refresh=refresh, policy_packs=packs, color=_color())
        _show_changes(look, go_on=protection)
    if not change.yes:
        session.confirm("Apply these changes?")
    apply = partial(stack.up, refresh=refresh, policy_packs=packs, color=_color(), on_output=_print)
    _run(unlocking(stack, partial(apply, show_secrets=False)), go_on=protection, changes=name)
    if left.pending:
        # They are in the state now, under the same names; their pending operations go.
        _run(lambda: stack.refresh(clear_pending_creates=True, color=_color(), show_secrets=False))


def destroy(name: str, change: Change) -> None:
    """Remove the stack's objects after showing them; protected ones stop it, retained ones stay."""
    root, raw = project_root(), checked_stack(name)
    session = _opened(root, raw, needed(root), change, {})
    settings, stack = session.settings, session.stack
    protection = session.ignoring_protection("destroy")
    if settings.production or not change.yes:
        _show_changes(partial(stack.preview_destroy, color=_color()), go_on=protection, whole=False)
    if settings.retain_data:
        for namespace in settings.kept_namespaces:
            typer.echo(f"Namespace {namespace} and its volumes are kept (retainData is true).")
        if settings.backups.enabled:
            typer.echo(f"Secret {KEPT_SECRET} is kept in it: without this password no backup of a volume opens.")
    typer.echo("Generated passwords are deleted with the state; a new stack makes new ones.")
    if not change.yes:
        session.confirm(f"Destroy stack {name}?")
    remove = partial(stack.destroy, color=_color(), on_output=_print, show_secrets=False)
    _run(unlocking(stack, remove), go_on=protection, changes=name)


def _opened(root: Path, raw: RawConfig, engine: Engine, change: Change, force: Mapping[str, str]) -> _Session:
    """The stack, once cluster and state are named and fit for a change; raises CommandError."""
    settings, _ = load(raw)
    state.refuse_throw_away_state(raw.stack, production=settings.production, allowed=change.local_state)
    variables = state.environment(root) | dict(force)
    reachability = reach(settings.cluster.context, settings.cluster.kubeconfig)
    typer.echo(reachability.line)
    typer.echo(f"State: {state.describe(variables)}")
    if reachability.version is None:
        raise CommandError(
            "the cluster must answer before it can be changed; check the context, the kubeconfig and the network",
            Exit.CLUSTER,
        )
    return _Session(open_stack(root, raw.stack, engine, variables), raw.stack, settings, variables)


def _packs(root: Path, *, wanted: bool) -> list[str] | None:
    return [str(pack(root))] if wanted else None


def _show_changes(look: Callable[..., object], *, go_on: str | None = None, whole: bool = True) -> None:
    """Run the engine's preview, and print below it what changes, in values, and what that means.

    Without `whole` the summary alone.
    """
    steps: list[dict[str, Any]] = []
    _run(partial(look, on_output=_print, on_event=collect_steps(steps)), go_on=go_on)
    shown = (
        lines({"steps": steps}, color=colored(), creations=False)
        if whole
        else summary({"steps": steps}, color=colored())
    )
    for line in shown:
        _print(line)


def _run(operation: Callable[[], object], *, go_on: str | None = None, changes: str | None = None) -> None:
    """Run the engine.

    Where protection stopped it, `go_on` is the command that ignores protection; `changes` names the stack where the
    operation changes the cluster.
    """
    stopped: list[str] = []
    failed = False
    with waiting_for_the_engine() as interruption:
        try:
            operation()
        except EngineError as error:
            # The engine has printed what is wrong, line by line, as it happened.
            stopped, failed = protected(str(error)), True
    if interruption.asked:
        raise CommandError(_interrupted(changes), Exit.INTERRUPTED)
    if stopped and go_on:
        raise CommandError(_protection(stopped, go_on), Exit.FOUND)
    if failed:
        raise typer.Exit(Exit.FOUND)


def _interrupted(stack: str | None) -> str:
    if stack is None:
        return "interrupted: nothing was changed"
    return (
        f"interrupted: finished steps are in the state. `arches preview --stack {stack}` shows the rest; "
        f"the same command continues. If the state is locked: arches cancel --stack {stack}"
    )


_REFUSED = re.compile(r'resource "(urn:[^"]+)"\s+(?:as it is currently marked for protection|cannot be deleted)')


def protected(text: str) -> list[str]:
    """What the engine refused to replace or delete, as `Type name`, from its output."""
    return sorted(
        {f"{urn.split('::')[2].rpartition(':')[2]} {urn.rpartition('::')[2]}" for urn in _REFUSED.findall(text)}
    )


def _protection(stopped: list[str], go_on: str) -> str:
    """How to continue; the engine's own advice is to edit a program that all stacks share."""
    return (
        f"production data is protected: {', '.join(stopped)} would be replaced or deleted, and was not. "
        f"To keep it, revert the edit. To remove it, make a backup and run {go_on}: "
        "volumes and the namespace stay in the cluster while retainData is true."
    )


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _color() -> str:
    return "always" if colored() else "never"
