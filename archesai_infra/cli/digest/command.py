"""`arches digest`: a preview, or a rendered change, as a comment for a pull request."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from archesai_infra.cli.base import project
from archesai_infra.cli.base.exits import CommandError, Exit, friendly


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("digest")(write)
    app.command("review")(review)


@friendly
def write(
    file: Annotated[str, typer.Argument(help="File with the output of `arches preview --json`, or - for a pipe.")],
) -> None:
    """Write Markdown for a pull request: data at risk first, then what is replaced and deleted, and why."""
    from archesai_infra.cli.digest.digest import digest

    typer.echo(digest(parse(_read(file))), nl=False)


@friendly
def review(
    change: Annotated[Path, typer.Argument(help="Directory with the manifests of the change, a directory a stack.")],
    base: Annotated[Path, typer.Option("--base", help="Directory with the manifests of the base, likewise.")],
) -> None:
    """Compare rendered stacks, judge them by the policies of this checkout, and write Markdown for a pull request.

    Nothing of the change is run and no cluster is asked. Exits with 1 where the change breaks a policy.
    """
    from archesai_infra.cli.digest.rendered import compare

    report = compare(change, base, project.root())
    typer.echo(report.text, nl=False)
    if report.violations:
        raise typer.Exit(Exit.FOUND)


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
