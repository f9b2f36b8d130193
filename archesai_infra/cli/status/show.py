"""Print the status of a stack, once or again and again."""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import UTC, datetime

import typer

from archesai_infra.cli.base.cluster import Cluster
from archesai_infra.cli.base.console import interactive, print_json, print_lines
from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.kubeconfig import connect
from archesai_infra.cli.base.stacks import read_stack
from archesai_infra.cli.base.tables import console, print_table
from archesai_infra.cli.base.text import counted
from archesai_infra.cli.status.report import NOTHING_DEPLOYED, Line, look, summary
from archesai_infra.stack.evaluate import Evaluation, evaluate

WATCH_SECONDS = 5
_ORDER = ("problem", "warning", "ok")


def show(stack: str, *, json: bool) -> None:
    """Print the status; exits with 1 where something is a problem. Raises ClusterError."""
    evaluation = evaluate(read_stack(stack))
    wanted = evaluation.settings.cluster
    with connect(wanted.context, wanted.kubeconfig) as cluster:
        lines = _lines(cluster, evaluation, stack)
        if json:
            document = {"context": cluster.context, "summary": summary(lines)}
            print_json(document | {"urls": evaluation.outputs["urls"], "lines": [asdict(line) for line in lines]})
        else:
            _print(cluster, evaluation, stack, lines)
    if any(line.status == "problem" for line in lines):
        raise typer.Exit(Exit.FOUND)


def watch_status(stack: str) -> None:
    """Print the status every few seconds until Ctrl-C; needs a terminal."""
    if not interactive():
        raise CommandError("--watch needs a terminal", Exit.INPUT)
    evaluation = evaluate(read_stack(stack))
    wanted = evaluation.settings.cluster
    with connect(wanted.context, wanted.kubeconfig) as cluster:
        while True:
            lines = _lines(cluster, evaluation, stack)
            console().clear()
            _print(cluster, evaluation, stack, lines)
            time.sleep(WATCH_SECONDS)


def _lines(cluster: Cluster, evaluation: Evaluation, stack: str) -> list[Line]:
    """Everything about the stack, problems first."""
    return sorted(look(cluster, evaluation, stack, datetime.now(UTC)), key=lambda line: _ORDER.index(line.status))


def _print(cluster: Cluster, evaluation: Evaluation, stack: str, lines: list[Line]) -> None:
    heading = f"Stack {stack} in namespace {evaluation.settings.namespace} of context {cluster.context}"
    if [line.text for line in lines] == [NOTHING_DEPLOYED]:
        print_lines([f"{heading}: {NOTHING_DEPLOYED}. Next: {lines[0].next}"])
        return
    typer.echo(heading)
    print_table(
        ["Status", "Module", "Object", ""], ([line.status, line.module, line.name, line.text] for line in lines)
    )
    for line in lines:
        if line.next:
            print_lines([f"{line.name}: {line.next}"])
    counts = summary(lines)
    typer.echo(f"{counted(counts['problem'], 'problem')}, {counted(counts['warning'], 'warning')}, {counts['ok']} ok")
    for module, url in evaluation.outputs["urls"].items():
        typer.echo(f"{module}: {url}")
