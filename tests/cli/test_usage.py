"""Command lines that cannot be parsed end like every other error: one line with a cure, and status 2."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from archesai_infra.cli.app import COMMANDS, load
from testbed.cli.projects import project
from testbed.cli.running import run

__all__ = ["project"]

WRONG = {
    "status --jsn": "no such option: --jsn; did you mean --json? Usage: arches status -h",
    "--nothing": "no such option: --nothing; usage: arches -h",
    "preveiw": "no such command 'preveiw'; did you mean 'preview', 'review'? Usage: arches -h",
    "config sett x": "no such command 'sett'; did you mean 'set', 'unset'? Usage: arches config -h",
    "logs": "missing argument 'module'; usage: arches logs -h",
    "graph x": "got unexpected extra argument(s) (x); usage: arches graph -h",
    "status --stack": "option '--stack' requires an argument; usage: the same command with -h",
    "logs api --tail many": (
        "invalid value for '--tail': Input should be a valid integer, unable to parse string as an integer; "
        "usage: arches logs -h"
    ),
}
_LOADED = """
import sys
from contextlib import suppress
from archesai_infra.cli.app import app
with suppress(SystemExit):
    app(sys.argv[1:])
print(*sorted({"pulumi", "kubernetes", "rich.console"} & set(sys.modules)))
"""


@pytest.mark.parametrize(("words", "says"), WRONG.items(), ids=WRONG)
def test_a_wrong_command_line_is_one_line_with_the_way_to_the_usage(words: str, says: str) -> None:
    result = run(*words.split())
    assert (result.exit_code, result.output, result.stderr) == (2, "", f"error: {says}\n")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("status --jsn --json", WRONG["status --jsn"]),
        ("--nothing --json", WRONG["--nothing"]),
        ("preveiw --json", WRONG["preveiw"]),
        ("graph x --json", WRONG["graph x"]),
    ],
)
def test_with_json_a_wrong_command_line_is_a_document_too(words: str, says: str) -> None:
    result = run(*words.split())
    assert json.loads(result.output) == {"error": {"message": says, "exitCode": 2}}
    assert (result.exit_code, result.stderr) == (2, f"error: {says}\n")


def test_a_group_without_a_sub_command_still_prints_its_help() -> None:
    assert run("config").stderr.startswith("Usage: ")


def test_a_wrong_command_line_loads_no_library_of_the_commands() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LOADED, "status", "--jsn"], capture_output=True, text=True, check=False, timeout=120
    )
    assert "no such option" in done.stderr
    assert done.stdout.split() == []


def _commands_with_a_stack() -> list[list[str]]:
    found: list[list[str]] = []
    for name in COMMANDS:
        command = load(name)
        leaves = {(name, sub): leaf for sub, leaf in getattr(command, "commands", {}).items()} or {(name,): command}
        for words, leaf in leaves.items():
            if any("--stack" in parameter.opts for parameter in leaf.params):
                # Typer checks the arguments in the order of the command line.
                given = ["x" for parameter in leaf.params if parameter.param_type_name == "argument"]
                found.append([*words, "--stack", "../x", *given])
    return found


@pytest.mark.parametrize("words", _commands_with_a_stack(), ids=" ".join)
def test_a_name_that_no_stack_can_have_is_refused_by_every_command(project: Path, words: list[str]) -> None:
    assert project.is_dir()
    result = run(*words)
    rule = "the stack's name must be lower-case letters, digits and '-', at most 40 characters"
    assert (result.exit_code, result.stderr) == (2, f"error: stack '../x': {rule}; stacks here: dev, prod\n")


def test_the_name_is_checked_wherever_it_comes_from(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert project.is_dir()
    assert run("diff", "dev", "../x").stderr.startswith("error: stack '../x': ")
    monkeypatch.setenv("STACK", "Prod")
    assert run("status").stderr.startswith("error: stack 'Prod': ")
