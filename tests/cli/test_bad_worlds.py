"""Projects, files and machines as they should not be: one line each, the documented status, and no traceback."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from testbed.cli.projects import project, set_keys
from testbed.cli.running import run
from testbed.cli.worlds import MAIN, STACK_FILE, directory, link, shell, text

pytestmark = pytest.mark.long

__all__ = ["project"]

FAILED, INPUT, ENGINE = 1, 2, 3
NO_YAML = "broken YAML"


def _nothing(_: Path) -> None:
    """The world as it should be: the command line is what is wrong."""


LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{later}: &{later} [{', '.join([f'*{earlier}'] * 10)}]\n"
    for earlier, later in zip("abcdefg", "bcdefgh", strict=True)
)
"""Aliases of aliases: 80 MB from nine lines."""
STACK_FILES = {
    "empty": (text(STACK_FILE, ""), "environment: is required"),
    "a comment": (text(STACK_FILE, "# nothing\n"), "environment: is required"),
    "a list": (text(STACK_FILE, "[]\n"), "error: "),
    "a word": (text(STACK_FILE, "hello\n"), "error: "),
    "a configuration that is a list": (text(STACK_FILE, "config: []\n"), "error: "),
    "random bytes": (text(STACK_FILE, b"\xff\x00\xfe\x80"), "must be UTF-8 text"),
    "UTF-16": (text(STACK_FILE, "config:\n".encode("utf-16")), "must be UTF-8 text"),
    "a null character": (text(STACK_FILE, "config:\x00\n"), NO_YAML),
    "a merge conflict": (text(STACK_FILE, "config:\n<<<<<<< HEAD\n  a: 1\n=======\n  a: 2\n>>>>>>> b\n"), NO_YAML),
    "tabs": (text(STACK_FILE, "config:\n\tarchesai:environment: development\n"), NO_YAML),
    "two documents": (text(STACK_FILE, "config: {}\n---\nconfig: {}\n"), NO_YAML),
    "an unclosed quote": (text(STACK_FILE, 'config: {archesai:environment: "dev\n'), NO_YAML),
    "a thousand brackets": (text(STACK_FILE, "config: " + "[" * 2000), NO_YAML),
    "a billion laughs": (text(STACK_FILE, LAUGHS), "more than 100000 values"),
    "an alias of itself": (text(STACK_FILE, "config: &a {archesai:api: *a}\n"), "an alias refers to what contains it"),
    "an alias of nothing": (text(STACK_FILE, "config: *nothing\n"), NO_YAML),
    "a Python object": (text(STACK_FILE, "config: !!python/object/apply:os.system [id]\n"), "error: "),
    "a directory": (directory(STACK_FILE), "no such stack file"),
    "a dangling link": (link("nowhere"), "no such stack file"),
    "a link to itself": (link(STACK_FILE), "no such stack file"),
    "another project": (text("Pulumi.yaml", "name: other\nruntime: python\n"), "error: "),
    "a broken project": (text("Pulumi.yaml", "name: {"), "error: "),
    "a project of random bytes": (text("Pulumi.yaml", b"name: \xff\xfe"), "Pulumi.yaml: name must be archesai"),
}  # fmt: skip


@pytest.mark.parametrize(("world", "says"), STACK_FILES.values(), ids=STACK_FILES)
@pytest.mark.parametrize("command", ["preview --offline", "config show", "render"])
def test_a_stack_file_that_cannot_be_used_is_refused(
    project: Path, world: Callable[[Path], object], says: str, command: str
) -> None:
    world(project)
    result = run(*command.split())
    assert (result.exit_code, result.output) == (INPUT, ""), result
    assert says in result.stderr
    assert all(line.startswith("error: ") for line in result.stderr.splitlines()), result.stderr


OTHER_FILES: dict[str, tuple[Callable[[Path], object], str, int, str]] = {
    "manifests into a file": (text("out", ""), "render --output out", INPUT, "is a file; name a directory"),
    "manifests below a file": (text("out", ""), "render --output out/below", FAILED, "error: "),
    "manifests into the system": (_nothing, "render --output /proc/arches", FAILED, "/proc/arches"),
    "manifests over foreign files": (
        lambda project: ((project / "out").mkdir(), (project / "out" / "a.yaml").touch()),
        "render --output out", INPUT, "a.yaml",
    ),
    "manifests to check that there are none of": (_nothing, "render --check --output out", FAILED, "out"),
    "a digest of no file": (_nothing, "digest nowhere", INPUT, "nowhere"),
    "a digest of a directory": (directory("out"), "digest out", INPUT, "out"),
    "a digest of a page": (text("out", "<html>"), "digest out", INPUT, "arches preview --json"),
    "a digest of nothing": (text("out", ""), "digest out", INPUT, "arches preview --json"),
    "a digest of a list": (text("out", "[]"), "digest out", INPUT, "arches preview --json"),
    "a digest of random bytes": (text("out", b"\xff\xfe"), "digest out", INPUT, "out"),
    "a review of no directory": (_nothing, "review nowhere --base nowhere", INPUT, "nowhere"),
    "values of no file": (_nothing, "import-values nowhere", INPUT, "cannot be read"),
    "values of a directory": (directory("out"), "import-values out", INPUT, "cannot be read"),
    "values of random bytes": (text("out", b"\xff\xfe"), "import-values out", INPUT, "is not UTF-8 text"),
    "values in a thousand brackets": (text("v.yaml", "a: " + "[" * 3000), "import-values v.yaml", INPUT, "too deeply"),
    "values of a billion laughs": (text("v.yaml", LAUGHS), "import-values v.yaml", INPUT, "more than 100000 values"),
    "a very long number": (text("v.yaml", f"api: {'9' * 5000}"), "import-values v.yaml", INPUT, "a number or a date"),
    "values over a file": (
        text("v.yaml", "api: {replicas: 1}"), "import-values v.yaml --output Pulumi.dev.yaml", INPUT, "already exists",
    ),
    "values into no directory": (
        text("v.yaml", "api: {replicas: 1}"), "import-values v.yaml --output no/where", FAILED, "no/where",
    ),
    "a stack that there is not": (_nothing, "diff dev prdo", INPUT, "did you mean prod?"),
    "a revision that there is not": (_nothing, "preview --offline --against nowhere", INPUT, "nowhere"),
    "a rollback without Git": (_nothing, "rollback", INPUT, "error: "),
    "a path as a stack": (_nothing, "config show -s ../../etc/passwd", INPUT, "the stack's name must be"),
    "a key that there is not": (_nothing, "config get no.such.key", INPUT, "no such key"),
    "a module that there is not": (_nothing, "logs no-such-module", INPUT, "no-such-module"),
    "a module that is off": (_nothing, "logs redis", INPUT, "redis"),
    "a number that is none": (_nothing, "logs api --tail many", INPUT, "--tail"),
    "a digest of a thousand brackets": (text("out", '{"steps":' + "[" * 100_000), "digest out", INPUT, "too deeply"),
    "a digest of steps that are none": (text("out", '{"steps": [1]}'), "digest out", INPUT, "not a preview"),
    "a digest of an object of steps": (text("out", '{"steps": {"a": 1}}'), "digest out", INPUT, "not a preview"),
    "a digest of a step without a name": (text("out", '{"steps": [{}]}'), "digest out", INPUT, "not a preview"),
    "a digest of an error that is none": (text("out", '{"error": 3}'), "digest out", INPUT, "not a preview"),
    "values with a key twice": (
        text("v.yaml", "api: {replicas: 1}\napi: {replicas: 2}\n"), "import-values v.yaml", INPUT,
        "v.yaml:2:1: api: stands twice; the first is in line 1",
    ),
    "values in UTF-16": (text("v.yaml", "api: {}".encode("utf-16")), "import-values v.yaml", INPUT, "not UTF-8 text"),
    "values with a null character": (text("v.yaml", "a\0b: 1"), "import-values v.yaml", INPUT, "broken YAML: special"),
    "values that are an alias of themselves": (
        text("v.yaml", "api: &a {replicas: *a}\n"), "import-values v.yaml", INPUT, "an alias refers to what",
    ),
    "values of another kind": (text("v.yaml", "- api\n"), "import-values v.yaml", INPUT, "must be an object of values"),
    "values into a dangling link": (
        lambda project: (text("v.yaml", "api: {}")(project), link("no/where", "o")(project)),
        "import-values v.yaml --output o", INPUT, "already exists",
    ),
    "manifests into a link to itself": (link("out", "out"), "render --output out", FAILED, "choose another path"),
    "manifests into a dangling link": (link("nowhere", "out"), "render --output out", FAILED, "choose another path"),
    "manifests into a name that is too long": (_nothing, f"render --output {'a' * 300}", FAILED, "name too long"),
    "manifests into a device": (_nothing, "render --output /dev/null", INPUT, "name a directory"),
    "a new stack over a directory": (
        lambda project: (project / "Pulumi.fresh.yaml").mkdir(), "init fresh", INPUT, "already exists",
    ),
    "a new stack over a dangling link": (link("no/where", "Pulumi.fresh.yaml"), "init fresh", INPUT, "already exists"),
    "a new stack like one of random bytes": (text(STACK_FILE, b"\xff"), "init fresh --from dev", INPUT, "UTF-8 text"),
    "a new stack like one that there is not": (_nothing, "init fresh --from prdo", INPUT, "did you mean prod?"),
    "a stack that is a directory": (directory(STACK_FILE), "config unset redis", INPUT, "stacks here: prod;"),
    "a value of a thousand brackets": (_nothing, f"config set api.settings.x {'[' * 3000}", INPUT, "too deeply"),
    "a key of a thousand parts": (_nothing, f"config set api{'.a' * 3000} 1", INPUT, "too deeply"),
    "a key that is no text": (_nothing, "config set a\udcff 1", INPUT, "must be UTF-8 text"),
    "a value that is no text": (_nothing, "config set api.settings.x a\udcff", INPUT, "must be UTF-8 text"),
    "a key that ends in a bracket": (_nothing, "config set api[ 1", INPUT, "cannot be read as a key"),
    "a number without an end": (_nothing, "config set api.replicas 1e999", INPUT, "api.replicas"),
    "a credential that there is not": (_nothing, "secrets rotate nope", INPUT, "unknown credential; one of"),
    "a review of links": (
        lambda project: ((project / "r/dev").mkdir(parents=True), link("a.yaml", "r/dev/a.yaml")(project)),
        "review r --base r", INPUT, "no link",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("world", "command", "status", "says"), OTHER_FILES.values(), ids=OTHER_FILES)
def test_what_a_command_cannot_work_with_is_a_sentence_and_a_status(
    project: Path, world: Callable[[Path], object], command: str, status: int, says: str
) -> None:
    world(project)
    result = run(*command.split())
    assert result.exit_code == status, result
    assert says in result.stderr
    assert "unexpected" not in result.stderr


def _process(
    words: str, project: Path, variables: Mapping[str, str | None], *, redirection: str = ""
) -> subprocess.CompletedProcess[bytes]:
    """A command in a process of its own, with other variables; None takes one away."""
    return shell(f'exec "$0" "$@" {redirection}', project, variables, sys.executable, "-c", MAIN, *words.split())


MACHINES: dict[str, dict[str, str | None]] = {
    "no PATH": {"PATH": None},
    "an empty PATH": {"PATH": ""},
    "a PATH to nowhere": {"PATH": "/nowhere"},
    "no HOME": {"HOME": None},
    "a HOME that is a file": {"HOME": "/etc/passwd"},
    "a temporary directory that is gone": {"TMPDIR": "/nowhere"},
    "a kubeconfig that is gone": {"KUBECONFIG": "/nowhere"},
    "a home of Pulumi that is a file": {"PULUMI_HOME": "/etc/passwd"},
    "proxies that are gone": {"HTTPS_PROXY": "http://127.0.0.1:1", "HTTP_PROXY": "http://127.0.0.1:1"},
    "a proxy that is no URL": {"HTTPS_PROXY": "???"},
}
TERMINALS: dict[str, dict[str, str | None]] = {
    "the C locale": {"LC_ALL": "C", "PYTHONUTF8": "0"},
    "ASCII output": {"PYTHONIOENCODING": "ascii"},
    "Latin-1 output": {"PYTHONIOENCODING": "latin-1"},
    "a locale that there is not": {"LC_ALL": "xx_XX.UTF-8"},
    "a dumb terminal": {"TERM": "dumb"},
    "no terminal type": {"TERM": None},
    "ten columns": {"COLUMNS": "10"},
    "columns that are no number": {"COLUMNS": "wide"},
    "no colours": {"NO_COLOR": "1"},
    "forced colours": {"FORCE_COLOR": "1"},
}


@pytest.mark.parametrize("variables", MACHINES.values(), ids=MACHINES)
def test_an_offline_preview_works_on_every_machine(project: Path, variables: dict[str, str | None]) -> None:
    done = _process("preview --offline", project, variables)
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False), done.stderr
    assert b"Modules:   api, platform, database, migrations" in done.stdout


@pytest.mark.parametrize("variables", TERMINALS.values(), ids=TERMINALS)
def test_values_are_printed_whole_whatever_the_terminal(project: Path, variables: dict[str, str | None]) -> None:
    set_keys(project, {"api": {"settings": {"greeting": "→"}}})
    done = _process("config show", project, variables)
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False), done.stderr
    assert b"\napi.resources.limits.ephemeralStorage\t" in done.stdout
    assert "→".encode() in done.stdout or rb"\u2192" in done.stdout


OUTPUTS = {
    "a closed standard output": (">&-", FAILED, b"error: standard output is closed"),
    "a full disk": (">/dev/full", FAILED, b"no space left on device"),
    "a closed pipe": ("| head -c 1 >/dev/null", 0, b""),
    "a closed standard error": ("2>&-", 0, b""),
    "a closed standard input": ("<&-", 0, b""),
}


@pytest.mark.parametrize(("redirection", "status", "says"), OUTPUTS.values(), ids=OUTPUTS)
def test_an_output_that_takes_nothing_is_a_sentence(project: Path, redirection: str, status: int, says: bytes) -> None:
    done = _process("render", project, {}, redirection=redirection)
    assert (done.returncode, says in done.stderr) == (status, True), done.stderr
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr


ENGINES = {
    "that fails": "echo 'error: made up' >&2; exit 255",
    "that is killed": "kill -9 $$",
    "that prints garbage": "printf '\\377\\376'",
    "that prints nothing": "true",
    "of no known version": "echo dev",
}


@pytest.mark.parametrize("script", ENGINES.values(), ids=ENGINES)
@pytest.mark.parametrize("command", ["preview", "config set databasePassword"])
def test_an_engine_that_is_none_is_a_sentence(project: Path, script: str, command: str) -> None:
    # Version managers put a script of their own into a directory of any name.
    (project / "shims").mkdir()
    engine = project / "shims" / "pulumi"
    engine.write_text(f"#!/bin/sh\necho called >>{project}/calls\n{script}\n", encoding="utf-8")
    engine.chmod(0o755)
    done = _process(command, project, {"PATH": f"{project}/shims:/usr/bin:/bin", "KUBECONFIG": "/nowhere"})
    assert (project / "calls").exists() == (command == "preview")
    assert done.returncode != 0
    assert b"Traceback" not in done.stderr
    assert b"unexpected" not in done.stderr, done.stderr
    assert b"error: " in done.stderr
