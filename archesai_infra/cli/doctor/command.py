"""`arches doctor`: everything a stack needs, checked, each with a cure."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from archesai_infra.cli.base.console import STYLES, console, interactive, print_json
from archesai_infra.cli.base.exits import Exit, friendly
from archesai_infra.cli.base.options import DEFAULT_STACK, Json, Stack, read_stack

if TYPE_CHECKING:
    from archesai_infra.cli.doctor.report import Finding
    from archesai_infra.stack.config import RawConfig
    from archesai_infra.stack.evaluate import Evaluation


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor)


@friendly
def doctor(
    *,
    stack: Stack = DEFAULT_STACK,
    drift: Annotated[bool, typer.Option("--drift", help="Also compare the state with the cluster; slow.")] = False,
    json: Json = False,
) -> None:
    """Check the machine, the stack file and the cluster. Changes nothing; exits 1 if there is a problem."""
    from archesai_infra.cli.base.project import root

    found: list[Finding] = []
    for finding in findings(root(), stack, drift=drift):
        found.append(finding)
        if not json:
            _print(finding)
    if json:
        print_json([asdict(finding) for finding in found])
    problems = sum(finding.status == "problem" for finding in found)
    if not json:
        typer.echo(f"{problems} problem{'' if problems == 1 else 's'} in {len(found)} checks.")
    if problems:
        raise typer.Exit(Exit.FOUND)


def _print(finding: Finding) -> None:
    if not interactive():
        typer.echo(f"{finding.status}\t{finding.check}\t{finding.text}" + (f"\t{finding.cure}" if finding.cure else ""))
        return

    line = Text.assemble((f"{finding.status:8}", STYLES[finding.status]), f" {finding.check:17} {finding.text}")
    console().print(line)
    if finding.cure:
        console().print(Text(f"{'':26} -> {finding.cure}", style="italic"))


def findings(root: Path, stack: str, *, drift: bool) -> Iterator[Finding]:
    """Every finding as it is made; what depends on something broken is left out."""
    from archesai_infra.cli.doctor import machine
    from archesai_infra.cli.doctor.report import ok, problem, skipped
    from archesai_infra.cli.engine.engine import present
    from archesai_infra.cli.engine.state import environment
    from archesai_infra.stack.config import ConfigError

    engine = present(root)
    command = engine.command if engine is not None else None
    variables = {**os.environ, **environment(root)}
    yield machine.python(root)
    yield machine.engine(root, command)
    yield machine.plugins(command)
    yield machine.state(stack, variables)
    try:
        evaluation = _evaluate(read_stack(stack))
    except ConfigError as error:
        for reason in error.reasons:
            yield problem("stack file", reason, "mend the key; `arches config explain <key>` says what it takes")
        return
    yield ok("stack file", f"Pulumi.{stack}.yaml, {len(evaluation.resources)} resources")
    reached = yield from _cluster(evaluation, stack)
    if drift:
        from archesai_infra.cli.doctor.drift import drift_of

        yield drift_of(root, stack) if reached else skipped("drift", "needs the cluster")


def _evaluate(raw: RawConfig) -> Evaluation:
    from archesai_infra.stack.evaluate import evaluate

    return evaluate(raw, rendered=True)


def _cluster(evaluation: Evaluation, stack: str) -> Iterator[Finding]:

    from archesai_infra.cli.base.cluster import ClusterError, connect
    from archesai_infra.cli.doctor.releases import releases
    from archesai_infra.cli.doctor.report import ok, problem
    from archesai_infra.cli.doctor.server import Examination, examine

    settings = evaluation.settings
    if settings.production and settings.cluster.context is None:
        cure = f"pulumi config set --path cluster.context <context> --stack {stack}"
        yield problem("context", "production is not pinned to a context; `up` refuses to run", cure)
    try:
        cluster = connect(settings.cluster.context, settings.cluster.kubeconfig)
    except ClusterError as error:
        yield problem("context", error.problem, error.cure)
        return False
    yield ok("context", f"{cluster.context}, {cluster.server}")
    try:
        cluster.get("/api/v1")
    except ClusterError as error:
        yield problem("reachability", error.problem, error.cure)
        return False
    yield ok("reachability", "the server answers and knows the user")
    yield from examine(Examination(cluster, evaluation, datetime.now(UTC)))
    yield from releases(cluster, evaluation, stack)
    return True
