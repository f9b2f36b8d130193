"""`arches digest`: the engine's JSON preview as a comment for a pull request."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from archesai_infra.cli.base.exits import CommandError, Exit, friendly

if TYPE_CHECKING:
    from archesai_infra.stack.settings import Cluster

NOT_ASKED = "Cluster: not asked; the list compares the program with the recorded state only."


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("digest")(write)


@friendly
def write(
    file: Annotated[str, typer.Argument(help="File with the output of `arches preview --json`, or - for a pipe.")],
    *,
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask whether the cluster answers.")] = False,
) -> None:
    """Write Markdown for a pull request: data at risk first, then what is replaced and deleted, and why."""
    from archesai_infra.cli.digest.digest import digest

    preview = parse(_read(file))
    typer.echo(digest(preview, NOT_ASKED if offline else _reachability(preview)), nl=False)


def _read(file: str) -> str:
    if file == "-":
        return sys.stdin.read()
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file}: cannot be read: {error}", Exit.INPUT) from None


def parse(text: str) -> dict[str, Any]:
    """The preview's document; raises CommandError where the engine printed something else."""
    try:
        preview = json.loads(text)
    except json.JSONDecodeError as error:
        raise CommandError(
            f"no preview: {error}; it must be the output of `arches preview --json`", Exit.INPUT
        ) from None
    if not isinstance(preview, dict) or not ({"steps", "diagnostics"} & set(preview)):
        raise CommandError("no preview: it has neither steps nor diagnostics", Exit.INPUT)
    return preview


def _reachability(preview: dict[str, Any]) -> str:
    from archesai_infra.cli.base.reachability import ask

    reached = ask(cluster(preview))
    if reached.version is None:
        return (
            f"> [!WARNING]\n> {reached.line.rstrip('.')}. The list compares the program with the recorded state only."
        )
    return f"{reached.line}."


def cluster(preview: dict[str, Any]) -> Cluster:
    """The cluster that the previewed configuration names."""
    from archesai_infra.stack.config import PROJECT
    from archesai_infra.stack.settings import Cluster

    return Cluster.model_validate_json(preview.get("config", {}).get(f"{PROJECT}:cluster", "{}"))
