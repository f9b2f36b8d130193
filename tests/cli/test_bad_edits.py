"""Edits and new files where something is wrong with the value, the editor, the disk or the kubeconfig."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from testbed.cli.projects import project
from testbed.cli.running import run
from testbed.cli.worlds import MAIN, STACK_FILE, link, shell

__all__ = ["project"]

pytestmark = pytest.mark.long

FAILED, INPUT, CLUSTER = 1, 2, 4
NO_CACHE = {"PYTHONDONTWRITEBYTECODE": "1"}
"""Under a limit of file sizes Python would leave compiled modules that are cut off."""


def test_a_value_of_two_lines_is_refused_in_one(project: Path) -> None:
    before = (project / STACK_FILE).read_bytes()
    result = run("config", "set", "api.replicas", "a\nb: c")
    assert (result.exit_code, result.stderr.count("\n")) == (INPUT, 1), result
    assert (project / STACK_FILE).read_bytes() == before


EDITORS = {
    "that there is not": ("/nowhere/vi", INPUT, "no such editor"),
    "that is a directory": ("/etc", INPUT, "no such editor"),
    "that is only spaces": ("  ", INPUT, "no such editor"),
    "with an open quote": ("vi 'a", INPUT, "correct VISUAL or EDITOR"),
    "that fails": ("false", FAILED, "ended with status 1"),
    "that removes the file": ("rm", FAILED, "no such file"),
    "that writes random bytes": ("cp /bin/sh", INPUT, "must be UTF-8 text"),
}


@pytest.mark.parametrize(("editor", "status", "says"), EDITORS.values(), ids=EDITORS)
def test_an_editor_that_is_none_leaves_the_file_as_it_was(
    project: Path, monkeypatch: pytest.MonkeyPatch, editor: str, status: int, says: str
) -> None:
    monkeypatch.setenv("VISUAL", editor)
    monkeypatch.setenv("TMPDIR", str(project))
    before = (project / STACK_FILE).read_bytes()
    result = run("config", "edit")
    assert (result.exit_code, says in result.stderr, "unexpected" in result.stderr) == (status, True, False), result
    assert (project / STACK_FILE).read_bytes() == before


@pytest.mark.parametrize("content", [b"\xef\xbb\xbf", b""], ids=["a byte order mark", "none"])
@pytest.mark.parametrize("end", [b"\r\n", b"\n"], ids=["CRLF", "LF"])
def test_an_edit_keeps_the_line_ends_and_follows_a_link(project: Path, content: bytes, end: bytes) -> None:
    link("real.yaml")(project)
    (project / "real.yaml").write_bytes(content + b"config:" + end + b"  archesai:environment: development" + end)
    assert run("config", "set", "redis.enabled", "true").exit_code == 0
    lines = [b"config:", b"  archesai:environment: development", b"  archesai:redis:", b"    enabled: true"]
    assert (project / "real.yaml").read_bytes() == b"".join(line + end for line in lines)
    assert (project / STACK_FILE).is_symlink()


KUBECONFIGS = {
    "in UTF-16": "apiVersion: v1".encode("utf-16"),
    "of a thousand brackets": b"a: " + b"[" * 3000,
    "that is a list": b"[]",
    "with a list of nothing": b"contexts: [{}]\nclusters: [null]\nusers: null\ncurrent-context: a\n",
    "of other kinds": b"contexts: 3\nclusters: x\nusers: {}\ncurrent-context: [a]\n",
    "that is empty": b"",
}


@pytest.mark.parametrize("content", KUBECONFIGS.values(), ids=KUBECONFIGS)
def test_a_kubeconfig_that_is_none_is_one_line_with_the_way_to_another(
    project: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    (project / "kubeconfig").write_bytes(content)
    monkeypatch.setenv("KUBECONFIG", str(project / "kubeconfig"))
    result = run("status")
    assert (result.exit_code, result.output, result.stderr.count("\n")) == (CLUSTER, "", 1), result
    assert "or name a kubeconfig in $KUBECONFIG" in result.stderr


FULL = {
    "config set": "config set redis.enabled true",
    "init": "init fresh --from prod",
    "render": "render --output out",
}


@pytest.mark.parametrize("words", FULL.values(), ids=FULL)
def test_a_disk_that_takes_no_more_is_a_sentence_and_leaves_no_half_of_a_file(project: Path, words: str) -> None:
    (project / STACK_FILE).write_bytes((project / STACK_FILE).read_bytes() + b"# more\n" * 1000)
    before = {path.name: path.read_bytes() for path in project.iterdir()}
    done = shell(f"ulimit -f 1; exec {sys.executable} -c '{MAIN}' {words}", project, NO_CACHE)
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (FAILED, b"", 1), done
    assert done.stderr.startswith(b"error: ")
    assert b"file too large; raise the limit" in done.stderr
    assert {path.name: path.read_bytes() for path in project.iterdir() if path.is_file()} == before


def test_a_disk_without_room_for_temporary_files_is_a_sentence(project: Path) -> None:
    done = shell(f"ulimit -f 0; exec {sys.executable} -c '{MAIN}' render", project, NO_CACHE)
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (FAILED, b"", 1), done
    assert done.stderr.startswith(b"error: No usable temporary directory")
    assert b"free some space, or name a directory in TMPDIR" in done.stderr


def test_a_directory_that_was_removed_below_the_command_is_a_sentence(project: Path) -> None:
    done = shell(
        f"mkdir gone && cd gone && rmdir ../gone && exec {sys.executable} -c '{MAIN}' render", project, NO_CACHE
    )
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (FAILED, b"", 1), done
    assert done.stderr.startswith(b"error: ")
