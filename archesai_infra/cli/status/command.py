"""`arches status`: rollouts, endpoints, certificates and backups at a glance."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from archesai_infra.cli.base.console import print_json, print_table
from archesai_infra.cli.base.exits import Exit, friendly
from archesai_infra.cli.base.options import DEFAULT_STACK, Json, Stack, read_stack

if TYPE_CHECKING:
    from archesai_infra.cli.status.report import Line


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("status")(status)


@friendly
def status(*, stack: Stack = DEFAULT_STACK, json: Json = False) -> None:
    """Show how the stack is doing in its cluster. Exits 1 if something is missing, failed or not ready."""
    from archesai_infra.cli.base.cluster import connect
    from archesai_infra.cli.status.report import look, summary
    from archesai_infra.stack.evaluate import evaluate

    evaluation = evaluate(read_stack(stack), rendered=True)
    wanted = evaluation.settings.cluster
    cluster = connect(wanted.context, wanted.kubeconfig)
    lines = look(cluster, evaluation, stack, datetime.now(UTC))
    if json:
        told = [asdict(line) for line in lines]
        urls = evaluation.outputs["urls"]
        print_json({"context": cluster.context, "summary": summary(lines), "urls": urls, "lines": told})
    else:
        typer.echo(f"Stack {stack} in namespace {evaluation.settings.namespace} of context {cluster.context}")
        print_table(["Module", "Object", "Status", ""], map(_cells, lines))
        _print_urls(evaluation.outputs["urls"])
    if any(line.status == "problem" for line in lines):
        raise typer.Exit(Exit.FOUND)


def _cells(line: Line) -> list[str]:
    return [line.module, line.name, line.status, line.text]


def _print_urls(urls: dict[str, str]) -> None:
    for module, url in urls.items():
        typer.echo(f"{module}: {url}")
