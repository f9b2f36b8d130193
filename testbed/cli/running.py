"""Commands as a shell would run them, one module at a time."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.testing import CliRunner

from archesai_infra.cli.app import COMMANDS


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    exit_code: int
    output: str
    """Standard output."""
    stderr: str


def run(module: str, *arguments: str, stdin: str | None = None) -> Ran:
    """Run a command of the module that holds it: `import_values` holds `import-values`."""
    app = typer.Typer(pretty_exceptions_enable=False)
    name = COMMANDS[module.replace("_", "-")]
    import_module(f"archesai_infra.cli.{name}").register(app)
    app.callback()(lambda: None)
    result = CliRunner().invoke(app, list(arguments), input=stdin, catch_exceptions=False)
    return Ran(result.exit_code, result.stdout, result.stderr)


def run_json(module: str, *arguments: str) -> Any:  # noqa: ANN401 - JSON
    """The JSON a command prints."""
    result = run(module, *arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.output)
