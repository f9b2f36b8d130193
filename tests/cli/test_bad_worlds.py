"""Projects, files and machines as they should not be: one line each, the documented status, and no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from testbed.cli.projects import project
from testbed.cli.running import run

pytestmark = pytest.mark.long

__all__ = ["project"]

FAILED, INPUT, ENGINE = 1, 2, 3
MAIN = "from archesai_infra.cli.app import main; main()"
NO_YAML = "broken YAML"
DEV = "Pulumi.dev.yaml"
SECONDS = 60


def _text(name: str, content: str | bytes) -> Callable[[Path], object]:
    """A world whose file has this content."""
    data = content if isinstance(content, bytes) else content.encode()
    return lambda project: (project / name).write_bytes(data)


def _directory(name: str) -> Callable[[Path], object]:
    """A world in which a directory is in the place of a file."""

    def replace(project: Path) -> None:
        (project / name).unlink(missing_ok=True)
        (project / name).mkdir()

    return replace


def _link(target: str) -> Callable[[Path], object]:
    """A world whose stack file is a link to something else."""

    def replace(project: Path) -> None:
        (project / DEV).unlink()
        (project / DEV).symlink_to(target)

    return replace


def _nothing(_: Path) -> None:
    """The world as it should be: the command line is what is wrong."""


LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{later}: &{later} [{', '.join([f'*{earlier}'] * 10)}]\n"
    for earlier, later in zip("abcdefg", "bcdefgh", strict=True)
)
"""Aliases of aliases: 80 MB from nine lines."""
STACK_FILES = {
    "empty": (_text(DEV, ""), "environment: is required"),
    "a comment": (_text(DEV, "# nothing\n"), "environment: is required"),
    "a list": (_text(DEV, "[]\n"), "error: "),
    "a word": (_text(DEV, "hello\n"), "error: "),
    "a configuration that is a list": (_text(DEV, "config: []\n"), "error: "),
    "random bytes": (_text(DEV, b"\xff\x00\xfe\x80"), "must be UTF-8 text"),
    "UTF-16": (_text(DEV, "config:\n".encode("utf-16")), "must be UTF-8 text"),
    "a null character": (_text(DEV, "config:\x00\n"), NO_YAML),
    "a merge conflict": (_text(DEV, "config:\n<<<<<<< HEAD\n  a: 1\n=======\n  a: 2\n>>>>>>> b\n"), NO_YAML),
    "tabs": (_text(DEV, "config:\n\tarchesai:environment: development\n"), NO_YAML),
    "two documents": (_text(DEV, "config: {}\n---\nconfig: {}\n"), NO_YAML),
    "an unclosed quote": (_text(DEV, 'config: {archesai:environment: "dev\n'), NO_YAML),
    "a thousand brackets": (_text(DEV, "config: " + "[" * 2000), NO_YAML),
    "a billion laughs": (_text(DEV, LAUGHS), "more than 100000 values"),
    "an alias of itself": (_text(DEV, "config: &a {archesai:api: *a}\n"), "an alias refers to what contains it"),
    "an alias of nothing": (_text(DEV, "config: *nothing\n"), NO_YAML),
    "a Python object": (_text(DEV, "config: !!python/object/apply:os.system [id]\n"), "error: "),
    "a directory": (_directory(DEV), "no such stack file"),
    "a dangling link": (_link("nowhere"), "no such stack file"),
    "a link to itself": (_link(DEV), "no such stack file"),
    "another project": (_text("Pulumi.yaml", "name: other\nruntime: python\n"), "error: "),
    "a broken project": (_text("Pulumi.yaml", "name: {"), "error: "),
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
    "manifests into a file": (_text("out", ""), "render --output out", INPUT, "is a file; name a directory"),
    "manifests below a file": (_text("out", ""), "render --output out/below", FAILED, "error: "),
    "manifests into the system": (_nothing, "render --output /proc/arches", FAILED, "/proc/arches"),
    "manifests over foreign files": (
        lambda project: ((project / "out").mkdir(), (project / "out" / "a.yaml").touch()),
        "render --output out", INPUT, "a.yaml",
    ),
    "manifests to check that there are none of": (_nothing, "render --check --output out", FAILED, "out"),
    "a digest of no file": (_nothing, "digest nowhere", INPUT, "nowhere"),
    "a digest of a directory": (_directory("out"), "digest out", INPUT, "out"),
    "a digest of a page": (_text("out", "<html>"), "digest out", INPUT, "arches preview --json"),
    "a digest of nothing": (_text("out", ""), "digest out", INPUT, "arches preview --json"),
    "a digest of a list": (_text("out", "[]"), "digest out", INPUT, "arches preview --json"),
    "a digest of random bytes": (_text("out", b"\xff\xfe"), "digest out", INPUT, "out"),
    "a review of no directory": (_nothing, "review nowhere --base nowhere", INPUT, "nowhere"),
    "values of no file": (_nothing, "import-values nowhere", INPUT, "cannot be read"),
    "values of a directory": (_directory("out"), "import-values out", INPUT, "cannot be read"),
    "values of random bytes": (_text("out", b"\xff\xfe"), "import-values out", INPUT, "is not UTF-8 text"),
    "values in a thousand brackets": (_text("v.yaml", "a: " + "[" * 3000), "import-values v.yaml", INPUT, "too deeply"),
    "values of a billion laughs": (_text("v.yaml", LAUGHS), "import-values v.yaml", INPUT, "more than 100000 values"),
    "a very long number": (_text("v.yaml", f"api: {'9' * 5000}"), "import-values v.yaml", INPUT, "a number or a date"),
    "values over a file": (
        _text("v.yaml", "api: {replicas: 1}"), "import-values v.yaml --output Pulumi.dev.yaml", INPUT, "already exists",
    ),
    "values into no directory": (
        _text("v.yaml", "api: {replicas: 1}"), "import-values v.yaml --output no/where", FAILED, "no/where",
    ),
    "a stack that there is not": (_nothing, "diff dev prdo", INPUT, "did you mean prod?"),
    "a revision that there is not": (_nothing, "preview --offline --against nowhere", INPUT, "nowhere"),
    "a rollback without Git": (_nothing, "rollback", INPUT, "error: "),
    "a path as a stack": (_nothing, "config show -s ../../etc/passwd", INPUT, "the stack's name must be"),
    "a key that there is not": (_nothing, "config get no.such.key", INPUT, "no such key"),
    "a module that there is not": (_nothing, "logs no-such-module", INPUT, "no-such-module"),
    "a module that is off": (_nothing, "logs redis", INPUT, "redis"),
    "a number that is none": (_nothing, "logs api --tail many", INPUT, "--tail"),
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
    environment = {**os.environ, "PATH": "/usr/bin:/bin", **variables}
    return subprocess.run(
        ["/bin/sh", "-c", f'exec "$0" "$@" {redirection}', sys.executable, "-c", MAIN, *words.split()],
        cwd=project,
        env={name: value for name, value in environment.items() if value is not None},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=SECONDS,
    )


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
    done = _process("config show", project, variables)
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False), done.stderr
    assert b"\napi.resources.limits.ephemeralStorage\t" in done.stdout


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
    (project / "bin").mkdir()
    (project / "bin" / "pulumi").write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    (project / "bin" / "pulumi").chmod(0o755)
    done = _process(command, project, {"PATH": f"{project}/bin:/usr/bin:/bin", "KUBECONFIG": "/nowhere"})
    assert done.returncode != 0
    assert b"Traceback" not in done.stderr
    assert b"unexpected" not in done.stderr, done.stderr
    assert b"error: " in done.stderr
