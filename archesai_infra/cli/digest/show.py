"""Print the digest of a preview, or the review of a rendered change."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import typer

from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.project import root
from archesai_infra.cli.base.text import one_line
from archesai_infra.cli.digest.digest import digest
from archesai_infra.cli.digest.rendered import compare

_HOW = "it must be the output of `arches preview --json`"


def print_digest(file: str) -> None:
    """Print the digest of a preview; `file` is a path or `-` for standard input. Raises CommandError."""
    try:
        text = digest(parse(_read(file)))
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        reason = f"a part has another form than the engine's ({type(error).__name__}: {one_line(error)})"
        raise CommandError(f"not a preview: {reason}; {_HOW}", Exit.INPUT) from error
    typer.echo(text, nl=False)


def print_review(change: Path, base: Path) -> None:
    """Print how two directories of rendered stacks differ; exits with 1 where the change breaks a policy."""
    report = compare(change, base, root())
    typer.echo(report.text, nl=False)
    if report.violations:
        raise typer.Exit(Exit.FOUND)


def _read(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{file}: cannot be read: {(error.strerror or str(error)).lower()}", Exit.INPUT) from None
    except UnicodeDecodeError:
        raise CommandError(f"{file}: is not UTF-8 text", Exit.INPUT) from None


def parse(text: str) -> dict[str, Any]:
    """The preview's document; raises CommandError where it is something else."""
    try:
        preview = json.loads(text)
    except json.JSONDecodeError as error:
        raise CommandError(f"not a preview: {error}; {_HOW}", Exit.INPUT) from None
    if isinstance(preview, dict) and "error" in preview:
        raise CommandError(f"the preview failed: {preview['error']['message']}", Exit.FOUND)
    if not isinstance(preview, dict) or not ({"steps", "diagnostics"} & set(preview)):
        raise CommandError(f"not a preview: it has neither steps nor diagnostics; {_HOW}", Exit.INPUT)
    return preview
