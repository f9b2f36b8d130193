"""Commands as a shell would run them, in this process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from typer.testing import CliRunner

from archesai_infra.cli.app import app


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    exit_code: int
    output: str
    """Standard output."""
    stderr: str


def run(*arguments: str, stdin: str | None = None) -> Ran:
    """Run `arches` with arguments."""
    result = CliRunner().invoke(app, list(arguments), input=stdin, catch_exceptions=False)
    return Ran(result.exit_code, result.stdout, result.stderr)


def run_json(*arguments: str) -> Any:  # noqa: ANN401 - JSON
    """The JSON a command prints."""
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.output)
