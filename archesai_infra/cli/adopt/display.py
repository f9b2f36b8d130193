"""A plan of an adoption on a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import typer

from archesai_infra.cli.adopt.plan import Fate, Item, Plan
from archesai_infra.cli.base.cluster import Cluster
from archesai_infra.cli.base.tables import print_table
from archesai_infra.cli.base.text import counted
from archesai_infra.cli.engine.engine import Engine


def show(plan: Plan, cluster: Cluster, engine: Engine | None, *, plan_only: bool) -> None:
    """Print a plan as a table and what has to be known."""
    typer.echo(f"Stack {plan.stack}, namespace {plan.namespace} of context {cluster.context}")
    if engine is None:
        typer.echo("State not read (no engine): objects already in it are shown as adopted")
    print_table(["Module", "Object", "Result", "Why"], _rows(plan.items))
    for line in _notes(plan, plan_only=plan_only):
        typer.echo(line)


def _rows(items: Iterable[Item]) -> Iterator[list[str]]:
    """A line for each existing object; those that are in the state or will be created are only counted."""
    summarized = (Fate.KNOWN, Fate.CREATED)
    for item in items:
        if item.fate not in summarized:
            yield [item.module, f"{item.kind} {item.name}", str(item.fate), _why(item)]
    counts = Counter((item.module, item.fate) for item in items if item.fate in summarized)
    for (module, fate), count in sorted(counts.items()):
        yield [module, counted(count, "object"), str(fate), ""]


_METADATA = ("metadata.labels", "metadata.annotations")
_SHOWN = 4


def _why(item: Item) -> str:
    """The reasons in a line; what is changed without its labels and annotations one by one."""
    reasons = [why for why in item.why if not why.startswith(_METADATA)]
    reasons += [part.partition(".")[2] for part in _METADATA if any(why.startswith(part) for why in item.why)]
    shown = [*reasons[:_SHOWN], *(["…"] if len(reasons) > _SHOWN else [])]
    return "; ".join(["pods restart"] * item.restarts + shown)


def _notes(plan: Plan, *, plan_only: bool) -> Iterator[str]:
    if plan.volumes:
        yield "Data:"
    for volume in plan.volumes:
        policy = "is kept" if volume.reclaim_policy == "Retain" else f"{volume.reclaim_policy}, will be kept"
        yield f"  {volume.module}: claim {volume.claim} on volume {volume.volume} ({policy})"
    if plan.settings:
        yield f"{'To be written' if plan_only else 'Written'} into Pulumi.{plan.stack}.yaml:"
    for setting in plan.settings:
        yield f"  {setting.key}: {'[secret]' if setting.secret else setting.value}   # {setting.why}"
    for when in dict.fromkeys(step.when for step in plan.steps):
        yield f"For you to do {when}:"
        for step in plan.steps:
            if step.when == when:
                yield f"  # {step.why}"
                yield from (f"  {command}" for command in step.commands)
    if plan.restarts:
        yield f"The first up restarts the pods of: {', '.join(plan.restarts)}. Adopting restarts none."
    if plan.obstacles:
        yield "Nothing is adopted until this is resolved:"
    yield from (f"  {obstacle}" for obstacle in plan.obstacles)
