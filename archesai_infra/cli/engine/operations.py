"""What the engine does to a stack, with the cluster named before anything happens."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import typer
from pulumi.automation import CommandError as EngineError
from pulumi.automation import Stack

from archesai_infra.cli.base.exits import CommandError, Exit
from archesai_infra.cli.base.reachability import ask
from archesai_infra.cli.digest.digest import REACHABILITY, STATE_ONLY, VIOLATIONS
from archesai_infra.cli.engine import state
from archesai_infra.cli.engine.engine import Engine
from archesai_infra.cli.engine.interrupts import waiting_for_the_engine
from archesai_infra.cli.engine.policy import annotated, pack
from archesai_infra.cli.engine.recovery import recover, unlocking
from archesai_infra.cli.engine.workspace import open_stack
from archesai_infra.stack.config import RawConfig, load
from archesai_infra.stack.deploy import unpinned

HEALING = {"PULUMI_K8S_ENABLE_PATCH_FORCE": "true"}
"""With these the engine takes back fields that others have edited, instead of a conflict for each."""
TAKING_OVER = HEALING | {"PULUMI_K8S_UPSERT_EXISTING_OBJECTS": "true"}
"""With these it also takes over what a stack whose state is lost left, namespaces of charts among it."""

RED, PLAIN = "\x1b[31m", "\x1b[0m"


def preview_with_engine(
    root: Path, raw: RawConfig, engine: Engine, *, diff: bool, refresh: bool, json: bool, policy: bool
) -> None:
    """The engine's preview, below a line that says whether the cluster answered."""
    settings, _ = load(raw)
    reachability = ask(settings.cluster)
    typer.echo(reachability.line, err=json)
    variables = state.environment(root) | (HEALING if refresh else {})
    stack = open_stack(root, raw.stack, engine, variables)
    packs = _packs(root, wanted=policy)
    look = partial(stack.preview, diff=diff, refresh=refresh, json=json, color=_color(), policy_packs=packs)
    if json:
        _document(look, reachability.line if reachability.version else f"{reachability.line}. {STATE_ONLY}")
    else:
        _run(partial(look, on_output=_print))


def _document(look: Callable[..., object], reached: str) -> None:
    """The engine's JSON with what it leaves out: whether the cluster answered, and what breaks a policy."""
    printed: list[str] = []
    findings: list[str] = []

    def collect(event: object) -> None:
        found = getattr(event, "policy_event", None)
        if found is not None:
            findings.append(f"{found.policy_name}: {found.message.strip().splitlines()[-1]}")

    try:
        _run(partial(look, on_output=printed.append, on_event=collect))
    finally:
        more: dict[str, object] = {REACHABILITY: reached}
        _print(annotated("\n".join(printed), more | ({VIOLATIONS: findings} if findings else {})))


def up(
    root: Path,
    raw: RawConfig,
    engine: Engine,
    *,
    yes: bool,
    refresh: bool,
    policy: bool | None = None,
    take_over: bool = False,
) -> None:
    """Change the cluster after showing what will change; what replaces or deletes stands out.

    Production is judged by the policy pack unless `policy` says otherwise, development where it says so.
    """
    settings, _ = load(raw)
    if settings.production and settings.cluster.context is None:
        raise CommandError(unpinned(raw.stack), Exit.INPUT)
    force = TAKING_OVER if take_over else HEALING if refresh else {}
    variables = state.environment(root) | force
    stack = _reached(root, raw, engine, variables)
    left = recover(stack, raw, yes=yes, take_over=take_over)
    refresh = refresh or bool(left.lost)
    go_on = _regardless("up", raw.stack, variables)
    packs = _packs(root, wanted=settings.production if policy is None else policy)
    look = partial(stack.preview, refresh=refresh, policy_packs=packs, color=_color(), on_output=_print)
    if not yes:
        _confirm_changes(look, go_on=go_on)
    elif settings.production or packs:
        # What protection or a policy refuses has to be known before the first change: the engine would stop half-way.
        _run(look, go_on=go_on)
    change = partial(stack.up, refresh=refresh, policy_packs=packs, color=_color(), on_output=_print)
    _run(unlocking(stack, partial(change, show_secrets=False)), go_on=go_on, changes=raw.stack)
    if left.pending:
        # They are in the state now, under the same names; the notes of their beginning go.
        _run(lambda: stack.refresh(clear_pending_creates=True, color=_color(), show_secrets=False))


def destroy(root: Path, raw: RawConfig, engine: Engine, *, yes: bool) -> None:
    """Remove the stack's objects; protected ones stop it, retained ones stay."""
    settings, _ = load(raw)
    variables = state.environment(root)
    stack = _reached(root, raw, engine, variables)
    if settings.retain_data:
        for namespace in settings.kept_namespaces:
            typer.echo(f"Namespace {namespace} and its volumes stay (retainData is true).")
    if not yes and not typer.confirm(f"Destroy stack {raw.stack}?"):
        raise typer.Abort
    go_on = _regardless("destroy", raw.stack, variables)
    if settings.production:
        _run(lambda: stack.preview_destroy(color=_color(), on_output=_print), go_on=go_on)
    remove = partial(stack.destroy, color=_color(), on_output=_print, show_secrets=False)
    _run(unlocking(stack, remove), go_on=go_on, changes=raw.stack)


def _reached(root: Path, raw: RawConfig, engine: Engine, variables: dict[str, str]) -> Stack:
    settings, _ = load(raw)
    reachability = ask(settings.cluster)
    typer.echo(reachability.line)
    typer.echo(f"State: {state.describe(variables)}")
    if reachability.version is None:
        raise CommandError(
            "the cluster must answer before it can be changed; check the context, the kubeconfig and the network",
            Exit.CLUSTER,
        )
    return open_stack(root, raw.stack, engine, variables)


def _packs(root: Path, *, wanted: bool) -> list[str] | None:
    return [str(pack(root))] if wanted else None


def _confirm_changes(look: Callable[..., object], *, go_on: str) -> None:
    changes: list[tuple[str, str, tuple[str, ...]]] = []

    def collect(event: object) -> None:
        resource = getattr(event, "resource_pre_event", None)
        if resource is not None:
            metadata = resource.metadata
            changes.append((str(metadata.op), str(metadata.urn), tuple(metadata.diffs or ())))

    _run(partial(look, on_event=collect), go_on=go_on)
    for line in dangerous(changes):
        typer.echo(f"{RED}{line}{PLAIN}" if _color() == "always" else line)
    if not typer.confirm("Apply these changes?"):
        raise typer.Abort


def dangerous(changes: list[tuple[str, str, tuple[str, ...]]]) -> Iterator[str]:
    """What replaces or deletes, by module and with the reason; `changes` are (operation, URN, differing properties)."""
    for operation, urn, differing in sorted(changes, key=lambda change: change[1]):
        kind = "replaces" if "replace" in operation else "deletes" if operation == "delete" else None
        if kind is None:
            continue
        chain, name = urn.split("::")[2], urn.rpartition("::")[2]
        why = f" ({', '.join(differing)})" if differing else ""
        yield f"{kind} {name.partition('-')[0]}: {chain.rpartition(':')[2]} {name}{why}"


def _run(operation: Callable[[], object], *, go_on: str | None = None, changes: str | None = None) -> None:
    """Run the engine.

    Where protection stopped it, `go_on` is the command that goes on regardless; `changes` names the stack where the
    operation changes the cluster.
    """
    stopped: list[str] = []
    failed = False
    with waiting_for_the_engine() as interruption:
        try:
            operation()
        except EngineError as error:
            # The engine has said what is wrong, line by line, as it happened.
            stopped, failed = protected(str(error)), True
    if interruption.asked:
        typer.echo(_interrupted(changes), err=True)
        raise typer.Exit(Exit.INTERRUPTED)
    if stopped and go_on:
        typer.echo(_protection(stopped, go_on), err=True)
    if failed:
        raise typer.Exit(Exit.FOUND)


def _interrupted(stack: str | None) -> str:
    if stack is None:
        return "Interrupted: nothing was changed."
    return (
        f"Interrupted: what was done until now is in the state. `arches preview --stack {stack}` shows the rest; "
        f"the same command again goes on. Should the state be locked: pulumi cancel --stack {stack}"
    )


def _regardless(command: str, stack: str, variables: Mapping[str, str]) -> str:
    """The engine's own command that sets protection aside, with where the state is if the engine does not know."""
    where = [
        f"{name}={value}"
        for name, value in sorted(variables.items())
        if name.startswith(("PULUMI_BACKEND", "PULUMI_CONFIG"))
    ]
    return " ".join([*where, "pulumi", command, "--ignore-protect", "--stack", stack])


_REFUSED = re.compile(r'resource "(urn:[^"]+)"\s+(?:as it is currently marked for protection|cannot be deleted)')


def protected(text: str) -> list[str]:
    """What the engine refused to replace or delete, as `Type name`, from what it said."""
    return sorted(
        {f"{urn.split('::')[2].rpartition(':')[2]} {urn.rpartition('::')[2]}" for urn in _REFUSED.findall(text)}
    )


def _protection(stopped: list[str], go_on: str) -> str:
    """How to go on; the engine's own advice is to edit a program that this stack has in common with others."""
    return (
        f"error: production data is protected: {', '.join(stopped)} would be replaced or deleted, "
        f"and nothing of it was. To keep it, take the edit back. To let it go, make a backup and run {go_on}: "
        "volumes and the namespace stay in the cluster while retainData is true."
    )


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _color() -> str:
    return "always" if sys.stdout.isatty() and "NO_COLOR" not in os.environ else "never"
