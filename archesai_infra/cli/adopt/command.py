"""`arches adopt`: a running deployment becomes the stack's, with its data and without a restart."""

from __future__ import annotations

import json as jsonlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archesai_infra.cli.base import project
from archesai_infra.cli.base.console import print_json, print_table
from archesai_infra.cli.base.exits import CommandError, Exit, friendly
from archesai_infra.cli.base.options import DEFAULT_STACK, Json, Stack
from archesai_infra.cli.preview import checked
from archesai_infra.cli.up import YesOption

if TYPE_CHECKING:
    from archesai_infra.cli.adopt.plan import Item, Plan, Setting
    from archesai_infra.cli.base.cluster import Cluster
    from archesai_infra.cli.engine.engine import Engine
    from archesai_infra.stack.config import RawConfig
    from archesai_infra.stack.evaluate import Evaluation


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("adopt")(adopt)


@friendly
def adopt(
    *,
    stack: Stack = DEFAULT_STACK,
    namespace: Annotated[
        str | None, typer.Option("--namespace", "-n", help="Where the deployment runs; the stack's own if not given.")
    ] = None,
    plan_only: Annotated[bool, typer.Option("--plan-only", help="Show the plan and end; needs no engine.")] = False,
    yes: YesOption = False,
    json: Json = False,
) -> None:
    """Take a running deployment over into the state: nothing is deleted, no pod restarts.

    Exits 1 if it cannot be, or while something is left to do before the first `up`.
    """
    from archesai_infra.cli.base.cluster import connect
    from archesai_infra.cli.engine.engine import needed, present
    from archesai_infra.stack.config import load
    from archesai_infra.stack.deploy import unpinned

    if json and not (plan_only or yes):
        raise CommandError("--json asks nothing: add --plan-only or --yes", Exit.INPUT)
    root, raw = project.root(), checked(stack)
    settings, _ = load(raw)
    if settings.gitops.enabled:
        raise CommandError(
            "gitops.enabled: Argo CD applies this stack, and Pulumi has only its Application: let Argo CD sync instead",
            Exit.INPUT,
        )
    if settings.production and settings.cluster.context is None and not plan_only:
        raise CommandError(unpinned(stack), Exit.INPUT)
    engine = present(root) if plan_only else needed(root)
    with connect(settings.cluster.context, settings.cluster.kubeconfig) as cluster:
        plan, declared = _plan(cluster, root, raw, namespace, engine)
        if not json:
            _show(plan, cluster, engine)
        adopted = None
        if engine is not None and not (plan_only or plan.obstacles):
            adopted = _carry_out(cluster, root, engine, plan, declared, yes=yes)
    if json:
        print_json({**plan.told(), "adopted": adopted})
    elif adopted is not None:
        typer.echo(f"{adopted} objects were taken into the state of stack {stack}; no pod was restarted.")
        typer.echo(_next(plan))
    if plan.obstacles or (plan.left and not plan_only):
        raise typer.Exit(Exit.FOUND)


def _next(plan: Plan) -> str:
    if plan.left:
        return f"Not ready for an up: do the {plan.left} steps above, then run this again to see that nothing is left."
    return f"Next: arches preview --stack {plan.stack}"


def _plan(
    cluster: Cluster, root: Path, raw: RawConfig, namespace: str | None, engine: Engine | None
) -> tuple[Plan, Evaluation]:
    """What there is to do, and the stack as it will be declared; raises CommandError where there is nothing."""
    from archesai_infra.cli.adopt.adoption import plan
    from archesai_infra.cli.adopt.apply import known_urns
    from archesai_infra.cli.adopt.cluster import read
    from archesai_infra.cli.adopt.data import take_over
    from archesai_infra.cli.adopt.live import WORKLOADS
    from archesai_infra.credentials import Credential
    from archesai_infra.stack.config import load
    from archesai_infra.stack.evaluate import evaluate

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
    takeover = take_over(settings, live, given, raw.stack, stateless=stateless)
    takeover = replace(takeover, settings=(*elsewhere, *takeover.settings))
    declared = evaluate(with_settings(raw, takeover.settings))
    return plan(declared, raw.stack, live, known, takeover), declared


def _moved(raw: RawConfig, namespace: str | None, known: frozenset[str]) -> tuple[RawConfig, list[Setting]]:
    """The configuration in another namespace, if one is asked for, and the setting that says so."""
    from archesai_infra.cli.adopt.plan import Setting
    from archesai_infra.stack.config import load

    own = load(raw)[0].namespace
    if namespace in (None, own):
        return raw, []
    if any("$kubernetes:" in urn for urn in known):
        raise CommandError(
            f"stack {raw.stack} runs in namespace {own}; in another one it would be made anew: leave out --namespace, "
            "or adopt with a stack of its own",
            Exit.INPUT,
        )
    setting = Setting("namespace", namespace or own, "where the deployment runs")
    return with_settings(raw, [setting]), [setting]


def _nothing(problem: str, stack: str) -> str:
    return f"{problem}: name the deployment's with --namespace, or begin with arches up --stack {stack}"


def with_settings(raw: RawConfig, settings: Iterable[Setting]) -> RawConfig:
    """A configuration with some keys set, as `pulumi config set` would set them."""
    values, secret = dict(raw.values), set(raw.secret_keys)
    for one in settings:
        top, _, below = one.key.partition(".")
        if below:
            values[top] = jsonlib.dumps(jsonlib.loads(values.get(top, "{}")) | {below: one.value})
        else:
            values[top] = one.value
        if one.secret:
            secret.add(top)
    return replace(raw, values=values, secret_keys=frozenset(secret))


def _carry_out(cluster: Cluster, root: Path, engine: Engine, plan: Plan, declared: Evaluation, *, yes: bool) -> int:
    """Adopt after a yes; returns how many objects were taken."""
    from archesai_infra.cli.adopt import apply as adopt_state
    from archesai_infra.cli.adopt.cluster import moved, pods

    if not (plan.taken or plan.settings):
        return 0
    if not yes:
        _confirm(plan, declared)
    before = pods(cluster, plan.namespace)
    adopt_state.keep_volumes(cluster, plan.unprotected)
    adopt_state.adopt(root, engine, cluster, plan, declared)
    if names := moved(before, pods(cluster, plan.namespace)):
        raise CommandError(
            f"the objects are adopted, but meanwhile these pods restarted or went by themselves: {', '.join(names)}",
            Exit.FOUND,
        )
    return len(plan.taken)


def _confirm(plan: Plan, declared: Evaluation) -> None:
    """Production is typed; elsewhere a yes will do. On standard error: standard output may be for a script."""
    if not declared.settings.production:
        typer.confirm("Adopt?", abort=True, err=True)
        return
    question = f"This is production. Type the namespace, {plan.namespace}, to go on"
    if typer.prompt(question, err=True) != plan.namespace:
        raise CommandError("not confirmed; nothing was changed", Exit.INPUT)


def _show(plan: Plan, cluster: Cluster, engine: Engine | None) -> None:
    typer.echo(f"Stack {plan.stack}, namespace {plan.namespace} of context {cluster.context}")
    if engine is None:
        typer.echo("State: not read, for there is no engine; what is in it already is shown as taken")
    print_table(["Module", "Object", "What becomes of it", "Why"], _rows(plan.items))
    for line in _words(plan):
        typer.echo(line)


def _rows(items: Iterable[Item]) -> Iterator[list[str]]:
    """A line for each object that is there; those that are in the state or will be created are only counted."""
    from archesai_infra.cli.adopt.plan import Fate

    counted = (Fate.KNOWN, Fate.CREATED)
    for item in items:
        if item.fate not in counted:
            yield [item.module, f"{item.kind} {item.name}", str(item.fate), _why(item)]
    counts = Counter((item.module, item.fate) for item in items if item.fate in counted)
    for (module, fate), count in sorted(counts.items()):
        yield [module, f"{count} object{'' if count == 1 else 's'}", str(fate), ""]


_METADATA = ("metadata.labels", "metadata.annotations")
_SHOWN = 4


def _why(item: Item) -> str:
    """The reasons in a line; what is changed without its labels and annotations one by one."""
    told = [why for why in item.why if not why.startswith(_METADATA)]
    told += [part.partition(".")[2] for part in _METADATA if any(why.startswith(part) for why in item.why)]
    shown = [*told[:_SHOWN], *(["…"] if len(told) > _SHOWN else [])]
    return "; ".join(["pods restart"] * item.restarts + shown)


def _words(plan: Plan) -> Iterator[str]:
    if plan.volumes:
        yield "Data:"
    for one in plan.volumes:
        policy = "is kept" if one.reclaim_policy == "Retain" else f"{one.reclaim_policy}, will be kept"
        yield f"  {one.module}: claim {one.claim} on volume {one.volume} ({policy})"
    if plan.settings:
        yield f"Written into Pulumi.{plan.stack}.yaml:"
    for one in plan.settings:
        yield f"  {one.key}: {'[secret]' if one.secret else one.value}   # {one.why}"
    for when in dict.fromkeys(step.when for step in plan.steps):
        yield f"For you to do {when}:"
        for step in plan.steps:
            if step.when == when:
                yield f"  # {step.why}"
                yield from (f"  {command}" for command in step.commands)
    if plan.restarts:
        yield f"The first up restarts the pods of: {', '.join(plan.restarts)}. Adopting restarts none."
    if plan.obstacles:
        yield "Nothing is adopted while this is in the way:"
    yield from (f"  {obstacle}" for obstacle in plan.obstacles)
