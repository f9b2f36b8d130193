"""Why a command ended, and how it is printed."""

from __future__ import annotations

import json as jsonlib
import os
import sys
from dataclasses import dataclass

import typer

from archesai_infra.cli.base.errors import Exit
from archesai_infra.cli.base.wrapping import pieces, shows_colors

DEBUG = "ARCHES_DEBUG"
"""Variable that asks for Python's trace of an error."""


@dataclass(frozen=True)
class Failure:
    """Why a command ended."""

    text: str
    """One sentence a line."""
    code: Exit
    trace: str = ""
    """Python's trace, for a report to the developers."""

    def report(self, *, json: bool) -> None:
        """Print the reason: lines on standard error, with `json` a document on standard output too."""
        if json:
            document = {"error": {"message": self.text, "exitCode": int(self.code)}}
            typer.echo(jsonlib.dumps(document, indent=2, ensure_ascii=False))
        if os.environ.get(DEBUG) == "1" and self.trace:
            typer.echo(self.trace, err=True)
        begin = typer.style("error:", fg="red", bold=True) if shows_colors(sys.stderr) else "error:"
        for line in self.text.splitlines():
            for piece in pieces(f"{begin} {line}", sys.stderr):
                typer.echo(piece, err=True)
