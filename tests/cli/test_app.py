"""The command as a whole: its help, its imports, and how every failure ends."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from archesai_infra.cli.app import COMMANDS, load
from testbed.cli.projects import project
from testbed.cli.running import run
from testbed.stacks import ROOT

__all__ = ["project"]

CLI = ROOT / "archesai_infra" / "cli"
HEAVY = ("pulumi", "pulumi_kubernetes", "kubernetes", "yaml", "ruamel.yaml", "urllib3")
"""What commands need and help does not; pydantic is not among it, because Typer itself uses it."""
LAZY = {"app.py", "base/options.py"}
"""Files beside the command files that import when they are called: the table of commands, and completion."""
_HELP = """
import sys
from typer.testing import CliRunner
from archesai_infra.cli.app import COMMANDS, app
for arguments in ([], *([name] for name in COMMANDS), *(words.split() for words in sys.argv[1:])):
    result = CliRunner().invoke(app, [*arguments, "--help"])
    assert result.exit_code == 0, (arguments, result.output)
print(*sorted(name for name in sys.modules))
"""


def _subcommands() -> list[str]:
    return [f"{name} {sub}" for name in COMMANDS for sub in getattr(load(name), "commands", {})]


def test_no_help_loads_more_than_the_command_line_itself() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _HELP, *_subcommands()], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert sorted(set(done.stdout.split()) & set(HEAVY)) == []


def _local_imports(path: Path) -> bool:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return any(isinstance(node, ast.Import | ast.ImportFrom) for function in functions for node in ast.walk(function))


def test_only_command_files_import_inside_functions() -> None:
    lazy = {path.relative_to(CLI).as_posix() for path in CLI.rglob("*.py") if _local_imports(path)}
    commands = {f"{entry.module.replace('.', '/')}.py" for entry in COMMANDS.values()}
    assert lazy - LAZY == commands


def test_a_command_file_only_parses() -> None:
    for entry in COMMANDS.values():
        path = CLI / f"{entry.module.replace('.', '/')}.py"
        tree = ast.parse(path.read_text(encoding="utf-8"))
        loops = [node for node in ast.walk(tree) if isinstance(node, ast.For | ast.While | ast.Try | ast.With)]
        assert loops == [], path


def test_the_help_is_grouped_and_names_the_exit_statuses() -> None:
    output = run("-h").output
    assert [group for group in ("Look", "Change", "Operate", "Move in") if f"─ {group} ─" in output] == [
        "Look",
        "Change",
        "Operate",
        "Move in",
    ]
    assert "4 cluster" in output
    assert "recovery-kit" not in output


def test_a_mistyped_command_gets_a_suggestion() -> None:
    result = run("preveiw")
    assert (result.exit_code, "Did you mean 'preview'" in result.stderr) == (2, True)


def test_the_version_is_printed() -> None:
    assert run("--version").output.startswith("arches 0.")


@pytest.mark.parametrize("old", ["backups", "restore", "recovery-kit"])
def test_older_names_are_still_accepted(old: str) -> None:
    assert run(old, "--help").exit_code == 0


@pytest.mark.parametrize("arguments", [["config", "show", "--stack", "none"], ["status", "--jsn"], ["graph", "x"]])
def test_with_json_a_failure_is_json_too(project: Path, arguments: list[str]) -> None:
    assert project.is_dir()
    result = run(*arguments, "--json")
    document = json.loads(result.output)
    assert result.exit_code == document["error"]["exitCode"] == 2
    assert document["error"]["message"]


@pytest.mark.parametrize("debug", ["", "1"])
def test_an_unexpected_error_is_a_line_and_a_trace_only_for_debugging(
    project: Path, monkeypatch: pytest.MonkeyPatch, debug: str
) -> None:
    assert project.is_dir()
    monkeypatch.setenv("ARCHES_DEBUG", debug)

    def fail(_: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("archesai_infra.cli.graph.drawing.load", fail)
    result = run("graph")
    assert result.exit_code == 1
    assert "error: unexpected ZeroDivisionError: division by zero; ARCHES_DEBUG=1 shows the trace" in result.stderr
    assert ("Traceback" in result.stderr) == bool(debug)


def test_ctrl_c_ends_with_its_own_status(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    assert project.is_dir()
    monkeypatch.setattr("archesai_infra.cli.graph.drawing.load", interrupt)
    result = run("graph")
    assert (result.exit_code, result.stderr) == (130, "error: interrupted\n")


@pytest.mark.parametrize(("redirection", "says"), [(">&-", "closed"), ("> /dev/full", "no space left"), ("| true", "")])
def test_an_output_that_takes_nothing_is_no_traceback(redirection: str, says: str) -> None:
    command = f"'{sys.executable}' -c 'from archesai_infra.cli.app import main; main()' config show {redirection}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, timeout=60, cwd=ROOT)
    assert "Traceback" not in done.stderr
    assert says in done.stderr.lower()
    assert (done.returncode != 0) == bool(says)
