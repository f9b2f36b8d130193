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
from tools.cli_reference import cli_reference

__all__ = ["project"]

CLI = ROOT / "archesai_infra" / "cli"
HEAVY = (
    "pulumi", "pulumi_kubernetes", "kubernetes", "yaml", "ruamel.yaml", "urllib3", "rich.console", "markdown_it",
    "pydantic",
)  # fmt: skip
"""What commands need and help does not."""
LAZY = {"app.py", "base/options.py", "preview/run.py", "preview/against.py"}
"""Files beside the command files that import when they are called: the table of commands, completion, and the offline
preview, which loads neither the engine's part nor an evaluation of commits where it needs none."""
_HELP = """
import sys
from contextlib import suppress
from archesai_infra.cli.app import app
for words in sys.argv[1:]:
    with suppress(SystemExit):
        app([*words.split(), "--help"])
print(*sorted(sys.modules), file=sys.stderr)
"""


def _subcommands() -> list[str]:
    return [f"{name} {sub}" for name in COMMANDS for sub in getattr(load(name), "commands", {})]


def _loaded_by_help(*commands: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", _HELP, *commands], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.stdout.count("Usage: ") == len(commands), done.stderr
    return set(done.stderr.split())


def test_no_help_loads_more_than_the_command_line_itself() -> None:
    assert sorted(_loaded_by_help(*COMMANDS, *_subcommands()) & set(HEAVY)) == []


@pytest.mark.parametrize("words", ["preview", "config", "config set"])
def test_the_help_is_the_same_where_other_options_stand_before_it(words: str) -> None:
    assert run(*words.split(), "--help").output == run(*words.split(), "-h").output
    if words != "config":
        assert run(*words.split(), "--stack", "dev", "--help").output == run(*words.split(), "--help").output


def test_the_list_of_commands_loads_none_of_them() -> None:
    loaded = _loaded_by_help("")
    assert sorted(name for name in loaded if name.startswith("archesai_infra")) == [
        "archesai_infra",
        "archesai_infra.cli",
        "archesai_infra.cli.app",
    ]
    assert loaded.isdisjoint({"pydantic", "importlib.metadata"})


def test_a_command_is_built_without_the_others_of_its_file() -> None:
    assert load("rollback").name == "rollback"
    assert sorted(getattr(load("backup"), "commands", {})) == ["create", "kit", "list", "restore"]


def test_the_reference_has_every_option_of_every_command() -> None:
    page = cli_reference()
    for name in [*(name for name, entry in COMMANDS.items() if not entry.hidden), *_subcommands()]:
        words = name.split()
        command = load(words[0])
        for sub in words[1:]:
            command = getattr(command, "commands", {})[sub]
        if getattr(command, "commands", {}):
            continue
        section = page.partition(f"## arches {name}\n")[2].partition("\n## ")[0]
        options = [option for item in command.params for option in item.opts if item.param_type_name == "option"]
        assert [option for option in options if option != "--help" and option not in section] == [], name


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
    headings = [line.removesuffix(":") for line in output.splitlines() if line.endswith(":")]
    assert headings == ["Options", "Look", "Change", "Operate", "Move in", "  Exit status", "  Examples"]
    assert "4 cluster" in output
    assert "recovery-kit" not in output


def test_a_mistyped_command_gets_a_suggestion() -> None:
    result = run("preveiw")
    assert (result.exit_code, "did you mean 'preview'" in result.stderr) == (2, True)


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
