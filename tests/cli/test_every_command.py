"""Every command in every broken world: one clear message, a documented status, no traceback, and JSON where asked."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from archesai_infra.cli.app import COMMANDS, app, load
from archesai_infra.cli.base.errors import Exit
from testbed.cli.projects import no_engine, project
from testbed.cli.running import Ran, run
from testbed.cli.servers import answering, kubeconfig, talking

__all__ = ["no_engine", "project"]

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("no_engine")]

DEV = "Pulumi.dev.yaml"
ARGUMENTS = {
    "preview": "--offline",
    "logs": "api",
    "diff": "dev prod",
    "digest": "preview.json",
    "review": "rendered --base base",
    "init": "fresh --from dev",
    "config explain": "redis",
    "config get": "api.replicas",
    "config set": "api.replicas 2",
    "config unset": "api.replicas",
    "secrets generate": "databasePassword",
    "secrets rotate": "databasePassword",
    "adopt": "--plan",
    "import-values": "values.yaml",
    "backup restore": "--from latest --plan",
    "backup kit": "--output kit.yaml",
    "restore": "--from latest --plan",
    "recovery-kit": "--output kit.yaml",
    "upgrade database": "--to 17",
    "move database": "--to cluster",
}
"""What a command needs at least; the others need nothing."""


def _leaves() -> dict[str, Any]:
    """Every command that does something, by its words."""
    found: dict[str, Any] = {}
    for name in COMMANDS:
        command = load(name)
        below = getattr(command, "commands", None)
        found |= {f"{name} {sub}": one for sub, one in below.items()} if below else {name: command}
    return found


LEAVES = _leaves()
NAMES = {name: {parameter.name for parameter in command.params} for name, command in LEAVES.items()}
OWN_NAME = {"init", "import-values"}
"""Commands whose stack need not exist yet."""
READERS = sorted(name for name in LEAVES if NAMES[name] & {"stack", "left"} and name not in OWN_NAME)
WRITERS = ["cancel", "config edit", "config set", "config unset", "rollback"]
"""Commands that make a broken file a good one, or do not read its values."""
CLUSTER = ["status", "doctor", "logs", "adopt", "backup list", "backup create", "backup restore", "secrets sync"]
WITHOUT = sorted(set(LEAVES) - {"cluster up", "cluster down", "init", "backup kit", "recovery-kit", *CLUSTER})
"""Commands that print what they find without a cluster, and write no file."""


def _words(name: str) -> list[str]:
    return [*name.split(), *ARGUMENTS.get(name, "").split()]


def _ends_well(result: Ran, *, json_asked: bool = False) -> None:
    """What holds for each end of each command."""
    assert result.exit_code in set(Exit), result
    assert "Traceback" not in result.stderr
    assert "ARCHES_DEBUG" not in result.stderr, result.stderr
    if json_asked and result.exit_code:
        json.loads(result.output)
    elif result.exit_code:
        assert result.stderr.startswith("error: ") or "problem\t" in result.output, result


def _refused(name: str, says: str, *more: str, status: Exit = Exit.INPUT) -> None:
    """A command ends with a status and says why, as JSON where it has that; `doctor` makes it a finding."""
    asked = "json" in NAMES[name]
    result = run(*_words(name), *more, *(["--json"] if asked else []))
    _ends_well(result, json_asked=asked)
    assert result.exit_code == (Exit.FOUND if name == "doctor" else status), result
    assert says in result.output + result.stderr, result
    if name != "doctor":
        assert all(line.startswith("error: ") for line in result.stderr.splitlines()), result


def _file(name: str, content: str | bytes) -> Callable[[Path], object]:
    data = content if isinstance(content, bytes) else content.encode()
    return lambda project: (project / name).write_bytes(data)


def _without(name: str) -> Callable[[Path], object]:
    return lambda project: (project / name).unlink()


def _directory(name: str) -> Callable[[Path], object]:
    def replace(project: Path) -> None:
        (project / name).unlink()
        (project / name).mkdir()

    return replace


def _with_backups(name: str) -> list[str]:
    """Options that name a stack with backups, for the commands that need one."""
    return ["--stack", "prod"] if name.startswith("backup ") else []


PLACES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no stack file": (_without(DEV), "no such stack file"),
    "a directory in its place": (_directory(DEV), "no such stack file"),
    "an empty file": (_file(DEV, ""), "environment: is required"),
    "a list": (_file(DEV, "- a\n- b\n"), DEV),
    "a word": (_file(DEV, "hello\n"), DEV),
    "bytes that are no text": (_file(DEV, b"config:\xff\xfe\n"), "must be UTF-8 text"),
    "an unclosed bracket": (_file(DEV, "config: {"), "broken YAML"),
    "a merge conflict": (_file(DEV, "config:\n<<<<<<< HEAD\n  a: 1\n=======\n  a: 2\n>>>>>>> b\n"), "broken YAML"),
    "a key that stands twice": (
        _file(DEV, "config:\n  archesai:environment: development\n  archesai:environment: production\n"),
        "twice",
    ),
    "an unknown key": (
        _file(DEV, "config:\n  archesai:environment: development\n  archesai:redis: {enabld: true}\n"),
        "did you mean redis.enabled?",
    ),
    "a value that cannot be": (
        _file(DEV, "config:\n  archesai:environment: development\n  archesai:api: {replicas: many}\n"),
        "api.replicas",
    ),
    "a project that is none": (_file("Pulumi.yaml", "name: {"), "Pulumi.yaml"),
    "another project": (_file("Pulumi.yaml", "name: other\nruntime: python\n"), "Pulumi.yaml"),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", [name for name in READERS if name not in WRITERS])
def test_a_command_that_reads_a_stack_file_refuses_what_is_none(project: Path, name: str, place: str) -> None:
    world, says = PLACES[place]
    world(project)
    _refused(name, says)


LINES = {
    "an option that there is not": (["--no-such-option"], "no such option"),
    "a short option that there is not": (["-Q"], "no such option"),
    "too many arguments": (["a"] * 9, "unexpected extra argument"),
}
STACKS = {
    "a stack that there is not": ("nowhere", "no such stack file"),
    "a stack that is nearly another": ("prdo", "prod"),
    "a path": ("../../etc/passwd", "name must be"),
    "capital letters": ("Dev", "did you mean dev?"),
    "nothing": ("", "name must be"),
    "a line break": ("a\nb", "name must be"),
    "a control character": ("a\x1b[31m", "name must be"),
    "a very long name": ("a" * 300, "name must be"),
}


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("name", LEAVES)
def test_a_command_line_that_cannot_be_meant_is_one_line_with_the_usage(project: Path, name: str, line: str) -> None:
    more, says = LINES[line]
    if name == "config set":
        # A value may begin with a hyphen, as numbers do.
        says = "unexpected extra argument"
    if name == "import-values" and line == "too many arguments":
        pytest.skip("takes any number of files")
    result = run(*_words(name), *more)
    _ends_well(result)
    assert (result.exit_code, result.output) == (Exit.INPUT, ""), (result, project)
    assert says in result.stderr
    assert f"arches {name} -h" in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("name", [name for name in READERS if "stack" in NAMES[name] and name != "rollback"])
def test_a_stack_that_there_is_not_is_one_line(project: Path, name: str, stack: str) -> None:
    given, says = STACKS[stack]
    result = run(*_words(name), "--stack", given)
    _ends_well(result)
    assert says in result.output + result.stderr, (result, project)
    finding = name == "doctor" and "name must be" not in result.stderr
    assert result.exit_code == (Exit.FOUND if finding else Exit.INPUT), result


STATUS = b'{"kind": "Status", "message": "made up"}'
SERVERS: dict[str, Callable[[], AbstractContextManager[str]]] = {
    "a server that refuses the credentials": lambda: answering(401, STATUS),
    "a server that grants no right": lambda: answering(403, STATUS),
    "a page instead of an answer": lambda: answering(200, b"<html>log in</html>"),
    "half a document": lambda: answering(200, b'{"kind": "Lis'),
    "a connection that is closed at once": lambda: talking(closes=True),
}
KUBECONFIGS = {
    "a page": "<html><body>log in</body></html>",
    "bytes that are no text": "\x00\x01",
    "a context that there is not": "contexts: []\ncurrent-context: gone\n",
}


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("name", CLUSTER)
def test_a_cluster_that_answers_nothing_of_use_is_one_line(
    project: Path, monkeypatch: pytest.MonkeyPatch, name: str, server: str
) -> None:
    monkeypatch.setattr("archesai_infra.cli.base.cluster.TIMEOUT_SECONDS", 0.5)
    with SERVERS[server]() as address:
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig(project / "kubeconfig", address)))
        _refused(name, "", *_with_backups(name), status=Exit.CLUSTER)


@pytest.mark.parametrize("content", KUBECONFIGS)
@pytest.mark.parametrize("name", CLUSTER)
def test_a_kubeconfig_that_is_none_is_one_line(
    project: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str
) -> None:
    (project / "kubeconfig").write_text(KUBECONFIGS[content], encoding="utf-8")
    monkeypatch.setenv("KUBECONFIG", str(project / "kubeconfig"))
    _refused(name, "kubeconfig", *_with_backups(name), status=Exit.CLUSTER)


@pytest.mark.parametrize("name", CLUSTER)
def test_a_server_that_nobody_runs_is_one_line(project: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(project / "kubeconfig")))
    _refused(name, "127.0.0.1:1", *_with_backups(name), status=Exit.CLUSTER)


@contextmanager
def _printing_to(path: str, monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """Standard output into a file, without a buffer."""
    with Path(path).open("wb", buffering=0) as raw, monkeypatch.context() as patched:
        stream = io.TextIOWrapper(raw, encoding="utf-8", write_through=True)
        patched.setattr(sys, "stdout", stream)
        yield
        patched.undo()
        # What it could not write it would write again at its end.
        with suppress(OSError):
            stream.detach()


@pytest.mark.parametrize("name", WITHOUT)
def test_a_full_disk_below_the_output_is_one_line(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (project / "values.yaml").write_text("api: {replicas: 1}\n", encoding="utf-8")
    with _printing_to("/dev/full", monkeypatch), pytest.raises(SystemExit) as ended:
        app(_words(name))
    printed = capsys.readouterr().err
    assert ended.value.code in set(Exit), printed
    assert "Traceback" not in printed
    assert "ARCHES_DEBUG" not in printed
    assert not ended.value.code or "error: " in printed


def test_every_command_is_tried_with_the_arguments_that_it_needs() -> None:
    assert set(ARGUMENTS) <= set(LEAVES)
    needy = {name for name, command in LEAVES.items() if any(one.required for one in command.params)}
    assert needy <= set(ARGUMENTS)
