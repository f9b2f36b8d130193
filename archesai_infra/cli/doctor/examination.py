"""All checks of a stack, in the order in which they depend on each other."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import typer
from rich.text import Text

from archesai_infra.cli.base.cluster import ClusterError
from archesai_infra.cli.base.console import interactive, print_json
from archesai_infra.cli.base.errors import Exit
from archesai_infra.cli.base.failure import Failure
from archesai_infra.cli.base.failures import Caught, failure_of
from archesai_infra.cli.base.kubeconfig import connect
from archesai_infra.cli.base.project import root
from archesai_infra.cli.base.stacks import read_stack
from archesai_infra.cli.base.tables import STYLES, console
from archesai_infra.cli.base.text import counted
from archesai_infra.cli.base.wrapping import wrapped
from archesai_infra.cli.doctor import machine, signatures
from archesai_infra.cli.doctor.drift import drift_of
from archesai_infra.cli.doctor.releases import releases
from archesai_infra.cli.doctor.report import Finding, ok, problem, skipped
from archesai_infra.cli.doctor.server import Examination, examine
from archesai_infra.cli.engine.command import Command
from archesai_infra.cli.engine.engine import present
from archesai_infra.cli.engine.state import environment
from archesai_infra.cli.images.listing import items
from archesai_infra.stack.config import ConfigError
from archesai_infra.stack.evaluate import Evaluation, evaluate

_HEAD = 27
"""Columns of a finding's status and check."""
_NARROW = 20
"""Columns that are left for the text at least."""
_KEY_CURE = "correct the key; `arches config explain <key>` describes it"


def show(stack: str, *, drift: bool, json: bool) -> None:
    """Print every finding as it is made; exits with 1 where one is a problem."""
    findings: list[Finding] = []
    for finding in examine_stack(root(), stack, drift=drift):
        findings.append(finding)
        if not json:
            _print(finding)
    if json:
        print_json([asdict(finding) for finding in findings])
    problems = sum(finding.status == "problem" for finding in findings)
    if not json:
        typer.echo(f"{counted(problems, 'problem')} in {counted(len(findings), 'check')}.")
    if problems:
        raise typer.Exit(Exit.FOUND)


def _print(finding: Finding) -> None:
    if not interactive():
        typer.echo(f"{finding.status}\t{finding.check}\t{finding.text}" + (f"\t{finding.cure}" if finding.cure else ""))
        return
    screen = console()
    head = Text.assemble((f"{finding.status:8}", STYLES[finding.status]), f" {finding.check:17} ")
    width = max(screen.width - _HEAD, _NARROW)
    cure = f"-> {finding.cure}" if finding.cure else ""
    for begin, text, style in ((head, finding.text, ""), (Text(" " * _HEAD), cure, "italic")):
        for number, piece in enumerate(wrapped(text, width, indent=0) if text else ()):
            screen.print(Text.assemble(begin if number == 0 else " " * _HEAD, (piece, style)), soft_wrap=True)


def examine_stack(root: Path, stack: str, *, drift: bool) -> Iterator[Finding]:
    """Every finding as it is made; what depends on something broken is left out."""
    engine = None
    with Caught() as caught:
        engine = present(root)
    if caught.failure:
        yield _failed("engine", caught.failure)
    command = engine.command if engine is not None else None
    variables = {**os.environ, **environment(root, create=False)}
    yield from _each(
        ("python", lambda: machine.python(root)),
        *([] if caught.failure else [("engine", lambda: machine.engine(root, command))]),
        ("plugins", lambda: machine.plugins(command)),
        ("state", lambda: machine.state(stack, variables)),
    )
    try:
        raw = read_stack(stack)
        evaluation = evaluate(raw)
    except OSError as error:
        yield _failed("stack file", failure_of(error))
        return
    except ConfigError as error:
        exists = (root / f"Pulumi.{stack}.yaml").is_file()
        for reason in error.reasons:
            yield problem("stack file", reason, _KEY_CURE if exists else "")
        return
    if engine is not None:
        own = Command(root, stack, engine, environment(root, create=False))
        yield from _each(("passphrase", lambda: machine.passphrase(own)))
    yield ok("stack file", f"Pulumi.{stack}.yaml, {len(evaluation.resources)} resources")
    yield from machine.cautions(evaluation.settings, stack)
    reached = yield from _cluster(evaluation, stack)
    yield from signatures.findings(items(raw, warn=None))
    if drift and reached:
        yield from _each(("drift", lambda: drift_of(root, stack)))
    elif drift:
        yield skipped("drift", "needs the cluster")


def _each(*checks: tuple[str, Callable[[], Finding]]) -> Iterator[Finding]:
    """Findings of checks; one that fails is a finding too, and the others go on."""
    for name, check in checks:
        with Caught() as caught:
            yield check()
        if caught.failure:
            yield _failed(name, caught.failure)


def _failed(check: str, failure: Failure) -> Finding:
    return problem(check, f"the check failed: {failure.text}", "correct that, then run doctor again")


def _cluster(evaluation: Evaluation, stack: str) -> Iterator[Finding]:
    settings = evaluation.settings
    if settings.production and settings.cluster.context is None:
        cure = f"arches config set cluster.context <context> --stack {stack}"
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
