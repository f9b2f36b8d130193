"""Take a running deployment into the state of a stack, after showing what becomes of it."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import typer

from archesai_infra.cli.adopt.adoption import plan as planned
from archesai_infra.cli.adopt.apply import adopt, keep_volumes, known_urns
from archesai_infra.cli.adopt.cluster import moved, pods, read
from archesai_infra.cli.adopt.data import take_over, with_owners
from archesai_infra.cli.adopt.display import show
from archesai_infra.cli.adopt.live import WORKLOADS
from archesai_infra.cli.adopt.plan import Plan, Setting
from archesai_infra.cli.base.cluster import Cluster
from archesai_infra.cli.base.confirm import confirm_change
from archesai_infra.cli.base.console import print_json
from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.kubeconfig import connect
from archesai_infra.cli.base.project import root as project_root
from archesai_infra.cli.base.stacks import checked_stack
from archesai_infra.cli.engine.engine import Engine, needed, present
from archesai_infra.credentials import Credential
from archesai_infra.stack.config import RawConfig, load
from archesai_infra.stack.deploy import unpinned
from archesai_infra.stack.evaluate import Evaluation, evaluate


@dataclass(frozen=True)
class Choice:
    """How far to go."""

    plan_only: bool
    yes: bool
    json: bool


def run(stack: str, namespace: str | None, choice: Choice) -> None:
    """Adopt a deployment; exits with 1 while something is left to do. Raises CommandError and ClusterError."""
    if choice.json and not (choice.plan_only or choice.yes):
        raise CommandError("--json cannot ask: add --plan or --yes", Exit.INPUT)
    root, raw = project_root(), checked_stack(stack)
    settings, _ = load(raw)
    if settings.gitops.enabled:
        raise CommandError(
            "gitops.enabled: Argo CD applies this stack, and Pulumi has only its Application: let Argo CD sync instead",
            Exit.INPUT,
        )
    if settings.production and settings.cluster.context is None and not choice.plan_only:
        raise CommandError(unpinned(stack), Exit.INPUT)
    engine = present(root) if choice.plan_only else needed(root)
    with connect(settings.cluster.context, settings.cluster.kubeconfig) as cluster:
        plan, declared = _plan(cluster, root, raw, namespace, engine)
        if not choice.json:
            show(plan, cluster, engine, plan_only=choice.plan_only)
        adopted = None
        if engine is not None and not (choice.plan_only or plan.obstacles):
            adopted = _carry_out(cluster, root, engine, plan, declared, yes=choice.yes)
    if choice.json:
        print_json({**plan.to_dict(), "adopted": adopted})
    elif adopted is not None:
        typer.echo(f"{adopted} objects were taken into the state of stack {stack}; no pod was restarted.")
        typer.echo(_next(plan))
    if plan.obstacles or (plan.left and not choice.plan_only):
        raise typer.Exit(Exit.FOUND)


def _next(plan: Plan) -> str:
    if plan.left:
        return (
            f"Not ready for an up: do the {plan.left} steps above, then run this again to check that nothing is left."
        )
    return f"Next: arches preview --stack {plan.stack}"


def _plan(
    cluster: Cluster, root: Path, raw: RawConfig, namespace: str | None, engine: Engine | None
) -> tuple[Plan, Evaluation]:
    """The plan, and the stack as it will be declared; raises CommandError where there is nothing to adopt."""
    known = known_urns(root, raw.stack, engine) if engine else frozenset[str]()
    raw, elsewhere = _moved(raw, namespace, known)
    settings, _ = load(raw)
    live = read(cluster, settings.namespace)
    if live is None:
        raise CommandError(_nothing(f"there is no namespace {settings.namespace}", raw.stack), Exit.FOUND)
    if not any(kind in (*WORKLOADS, "PersistentVolumeClaim") for kind, _ in live.objects):
        empty = f"namespace {settings.namespace} runs nothing and holds no data"
        raise CommandError(_nothing(empty, raw.stack), Exit.FOUND)
    given = raw.values.keys() & set(Credential)
    stateless = not any("pulumi:index:Stash" in urn for urn in known)
    live = with_owners(cluster, live)
    takeover = take_over(settings, live, given, raw.stack, stateless=stateless)
    takeover = replace(takeover, settings=(*elsewhere, *takeover.settings))
    declared = evaluate(with_settings(raw, takeover.settings), application=True)
    return planned(declared, raw.stack, live, known, takeover), declared


def _moved(raw: RawConfig, namespace: str | None, known: frozenset[str]) -> tuple[RawConfig, list[Setting]]:
    """The configuration in another namespace, if one is given, and the setting for it."""
    current = load(raw)[0].namespace
    if namespace in (None, current):
        return raw, []
    if any("$kubernetes:" in urn for urn in known):
        raise CommandError(
            f"stack {raw.stack} runs in namespace {current}; in another namespace it would be recreated: "
            "omit --namespace, or adopt with a separate stack",
            Exit.INPUT,
        )
    setting = Setting("namespace", namespace or current, "where the deployment runs")
    return with_settings(raw, [setting]), [setting]


def _nothing(problem: str, stack: str) -> str:
    return f"{problem}: name the deployment's namespace with --namespace, or start with arches up --stack {stack}"


def with_settings(raw: RawConfig, settings: Iterable[Setting]) -> RawConfig:
    """A configuration with some keys set, as `pulumi config set` would set them."""
    values, secret = dict(raw.values), set(raw.secret_keys)
    for setting in settings:
        top, _, below = setting.key.partition(".")
        if below:
            values[top] = jsonlib.dumps(jsonlib.loads(values.get(top, "{}")) | {below: setting.value})
        else:
            values[top] = setting.value
        if setting.secret:
            secret.add(top)
    return replace(raw, values=values, secret_keys=frozenset(secret))


def _carry_out(cluster: Cluster, root: Path, engine: Engine, plan: Plan, declared: Evaluation, *, yes: bool) -> int:
    """Adopt after a yes; returns how many objects were taken."""
    if not (plan.taken or plan.settings):
        return 0
    if not yes:
        confirm_change("Adopt?", plan.namespace, "namespace", production=declared.settings.production)
    before = pods(cluster, plan.namespace)
    keep_volumes(cluster, plan.unprotected)
    adopt(root, engine, cluster, plan, declared)
    if names := moved(before, pods(cluster, plan.namespace)):
        raise CommandError(
            f"the objects are adopted, but meanwhile these pods restarted or ended by themselves: {', '.join(names)}",
            Exit.FOUND,
        )
    return len(plan.taken)
