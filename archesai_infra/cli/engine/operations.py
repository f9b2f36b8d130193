"""What the engine does to a stack, with the cluster and the state named before anything happens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import typer
from pulumi.automation import Stack

from archesai_infra.cli.base.confirm import confirm_change
from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.kubeconfig import reach
from archesai_infra.cli.base.project import root as project_root
from archesai_infra.cli.base.stacks import checked_stack
from archesai_infra.cli.engine import plans, state
from archesai_infra.cli.engine.command import Command
from archesai_infra.cli.engine.engine import Engine, needed
from archesai_infra.cli.engine.policy import pack
from archesai_infra.cli.engine.recovery import recover, unlocking
from archesai_infra.cli.engine.running import color, print_output, run_engine, show_changes
from archesai_infra.cli.engine.workspace import open_stack
from archesai_infra.components.backups.keys import KEPT_SECRET
from archesai_infra.stack.config import RawConfig, load
from archesai_infra.stack.deploy import unpinned
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
    plan: Path | None = None
    """Saved plan to hold to."""


@dataclass(frozen=True)
class _Session:
    """A stack that is opened for a change."""

    stack: Stack
    name: str
    settings: Settings
    variables: Mapping[str, str]

    def confirm(self, question: str) -> None:
        """Ask before a change: production asks for the stack's name; raises CommandError without it."""
        confirm_change(question, self.name, "stack", production=self.settings.production)

    def ignoring_protection(self, command: str) -> str:
        """The engine's own command that ignores protection, with the state's address if the engine does not know it."""
        where = [
            f"{name}={value}"
            for name, value in sorted(self.variables.items())
            if name.startswith(("PULUMI_BACKEND", "PULUMI_CONFIG"))
        ]
        return " ".join([*where, "pulumi", command, "--ignore-protect", "--stack", self.name])


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
    refresh = change.refresh or left.state_is_outdated
    packs = packs_of(root, wanted=settings.production if change.policy is None else change.policy)
    protection = session.ignoring_protection("up")
    look = partial(stack.preview, refresh=refresh, policy_packs=packs, color=color())
    apply = partial(stack.up, refresh=refresh, policy_packs=packs, color=color(), on_output=print_output)
    if change.plan:
        if left.state_is_outdated or left.pending or left.returning:
            raise CommandError("an earlier run did not end: run `arches up` without a plan first", Exit.STATE)
        _show_plan(look, change.plan, name, go_on=protection)
        apply = partial(apply, plan=str(change.plan.resolve()))
    elif not change.yes or settings.production or packs:
        # What protection or a policy refuses has to be known before the first change: the engine would stop half-way.
        show_changes(look, go_on=protection)
    if not change.yes:
        session.confirm("Apply these changes?")
    run_engine(unlocking(stack, partial(apply, show_secrets=False)), go_on=protection, changes=name)
    if left.pending:
        # They are in the state now, under the same names; their pending operations go.
        run_engine(lambda: stack.refresh(clear_pending_creates=True, color=color(), show_secrets=False))


def _show_plan(look: Callable[..., object], path: Path, stack: str, *, go_on: str) -> None:
    """Show what an `up` would do now; raises CommandError where that is not what a saved plan holds."""
    plan = plans.read(path)
    plans.require_repeatable(plan, stack)
    with TemporaryDirectory(prefix="arches-") as directory:
        now = Path(directory) / "plan.json"
        show_changes(partial(look, plan=str(now)), go_on=go_on)
        plans.require_same(plan, plans.read(now), stack)


def destroy(name: str, change: Change) -> None:
    """Remove the stack's objects after showing them; protected ones stop it, retained ones stay."""
    root, raw = project_root(), checked_stack(name)
    session = _opened(root, raw, needed(root), change, {})
    settings, stack = session.settings, session.stack
    protection = session.ignoring_protection("destroy")
    if settings.production or not change.yes:
        show_changes(partial(stack.preview_destroy, color=color()), go_on=protection, whole=False)
    if settings.retain_data:
        for namespace in settings.kept_namespaces:
            typer.echo(f"Namespace {namespace} and its volumes are kept (retainData is true).")
        if settings.backups.enabled:
            typer.echo(f"Secret {KEPT_SECRET} is kept in it: without this password no backup of a volume opens.")
    typer.echo("Generated passwords are deleted with the state; a new stack makes new ones.")
    if not change.yes:
        session.confirm(f"Destroy stack {name}?")
    remove = partial(stack.destroy, color=color(), on_output=print_output, show_secrets=False)
    run_engine(unlocking(stack, remove), go_on=protection, changes=name)


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


def packs_of(root: Path, *, wanted: bool) -> list[str] | None:
    """The policy pack where it is wanted, installed."""
    return [str(pack(root))] if wanted else None
