"""`arches render`: the stack as manifests, for kubectl, Argo CD and reviews."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from archesai_infra.cli.base.exits import CommandError, Exit, friendly
from archesai_infra.cli.base.options import DEFAULT_STACK, Stack
from archesai_infra.cli.preview import checked


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("render")(render)


@friendly
def render(
    *,
    stack: Stack = DEFAULT_STACK,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Directory for one file an object.")] = None,
    show_secrets: Annotated[bool, typer.Option("--show-secrets", help="Real values; generated ones are new.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Only say whether the directory is current.")] = False,
) -> None:
    """Write the stack as YAML: to standard output, or with --out one file an object. Secret values are masked."""
    from archesai_infra.stack.evaluate import evaluate
    from archesai_infra.stack.render import files, stream

    raw = checked(stack)
    if show_secrets and raw.secret_keys:
        keys = ", ".join(sorted(raw.secret_keys))
        raise CommandError(
            f"--show-secrets: {keys} cannot be decrypted without the engine; render without it", Exit.INPUT
        )
    evaluation = evaluate(raw, reveal=show_secrets, rendered=True)
    if out is None:
        if not show_secrets:
            typer.echo("Secret values are masked; --show-secrets writes new generated ones.", err=True)
        sys.stdout.write(stream(evaluation))
        return
    if check:
        _check(out, files(evaluation), stack)
    else:
        _write(out, files(evaluation))


def _current(directory: Path) -> dict[str, str]:
    found = directory.rglob("*.yaml") if directory.is_dir() else []
    return {path.relative_to(directory).as_posix(): path.read_text(encoding="utf-8") for path in found}


def _check(directory: Path, wanted: dict[str, str], stack: str) -> None:
    current = _current(directory)
    stale = sorted(name for name in {*current, *wanted} if current.get(name) != wanted.get(name))
    if stale:
        for name in stale:
            what = "missing" if name not in current else "left over" if name not in wanted else "differs"
            typer.echo(f"error: {directory / name}: {what}", err=True)
        raise CommandError(f"{directory} is not what stack {stack} renders to; write it again", Exit.FOUND)


def _write(directory: Path, wanted: dict[str, str]) -> None:
    for name in {*_current(directory)} - {*wanted}:
        (directory / name).unlink()
    for name, text in wanted.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    typer.echo(f"{len(wanted)} files in {directory}", err=True)
