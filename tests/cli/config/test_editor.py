"""`arches config edit` with editors that are scripts: each is called as a person's editor is, with one file."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from testbed.cli.projects import project
from testbed.cli.running import run

__all__ = ["project"]


@pytest.fixture
def file(project: Path) -> Path:
    return project / "Pulumi.dev.yaml"


def _editor(monkeypatch: pytest.MonkeyPatch, directory: Path, script: str) -> None:
    path = directory / "editor with a space"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", f"'{path}' --wait")


def _left_behind(file: Path) -> list[str]:
    return [path.name for path in file.parent.iterdir() if path.name.startswith(".")]


def test_an_edit_without_mistakes_is_saved_with_the_mode_of_the_file(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.chmod(0o640)
    _editor(monkeypatch, file.parent, """echo '  archesai:redis: {enabled: true}  # for the demo' >>"$2" """)
    before = file.read_text(encoding="utf-8")
    result = run("config", "edit")
    assert (result.exit_code, "arches preview --stack dev" in result.output) == (0, True), result.stderr
    assert file.read_text(encoding="utf-8") == f"{before}  archesai:redis: {{enabled: true}}  # for the demo\n"
    assert file.stat().st_mode & 0o777 == 0o640
    assert _left_behind(file) == []


@pytest.mark.parametrize(
    ("script", "status", "says"),
    [
        ("""echo '  archesai:redsi: {enabled: true}' >>"$2" """, 2, "redsi: unknown key; did you mean redis?"),
        ("""echo '}' >>"$2" """, 2, "broken YAML"),
        (""": >"$2" """, 2, "environment: is required"),
        ("exit 3", 1, "the editor ended with status 3; nothing was changed"),
        ("true", 0, ""),
    ],
)
def test_every_other_end_leaves_the_file_as_it_was(
    file: Path, monkeypatch: pytest.MonkeyPatch, script: str, status: int, says: str
) -> None:
    before = file.read_bytes()
    _editor(monkeypatch, file.parent, script)
    result = run("config", "edit")
    assert (result.exit_code, says in result.stderr) == (status, True), result.stderr
    assert file.read_bytes() == before
    assert _left_behind(file) == []


@pytest.mark.parametrize(
    ("script", "kept"),
    [("""echo '  archesai:redsi: {}' >>"$2" """, 1), ("""echo '# x' >>"$2"; exit 1""", 1), ("exit 1", 0)],
)
def test_a_text_that_is_refused_is_kept_for_its_writer(
    file: Path, monkeypatch: pytest.MonkeyPatch, script: str, kept: int
) -> None:
    (elsewhere := file.parent / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(elsewhere))
    before = file.read_text(encoding="utf-8")
    _editor(monkeypatch, file.parent, script)
    errors = run("config", "edit").stderr
    assert [path.read_text(encoding="utf-8").startswith(before) for path in elsewhere.iterdir()] == [True] * kept
    for path in elsewhere.iterdir():
        assert f"Your text is kept in {path}; Pulumi.dev.yaml is as it was.\n" in errors
        assert path.stat().st_mode & 0o777 == 0o600


def test_the_schema_that_the_file_names_is_found_from_what_the_editor_opens(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _editor(monkeypatch, file.parent, 'dirname "$2" >"$2.directory"; mv "$2.directory" opened')
    assert run("config", "edit").exit_code == 0
    assert (file.parent / "opened").read_text(encoding="utf-8").strip() == str(file.parent)


def test_a_mistake_that_was_there_before_does_not_stop_another_edit(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(f"{file.read_text(encoding='utf-8')}  archesai:api: {{replicas: 0}}\n", encoding="utf-8")
    _editor(monkeypatch, file.parent, """sed -i '2a\\  archesai:redis: {enabled: true}' "$2" """)
    result = run("config", "edit")
    assert result.exit_code == 0, result.stderr


def test_a_person_may_correct_a_mistake_at_once(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _editor(
        monkeypatch,
        file.parent,
        'if [ -f once ]; then sed -i s/redsi/redis/ "$2"; else '
        """touch once; echo '  archesai:redsi: {enabled: true}' >>"$2"; fi""",
    )
    terminal, other = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", "from archesai_infra.cli.app import main; main()", "config", "edit"],
        stdin=other,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        os.write(terminal, b"y\n")
        output, errors = process.communicate(timeout=60)
    os.close(terminal)
    os.close(other)
    assert process.returncode == 0, errors
    assert "redsi: unknown key; did you mean redis?" in errors
    assert "Pulumi.dev.yaml is changed" in output
    assert "archesai:redis: {enabled: true}" in file.read_text(encoding="utf-8")


def test_an_editor_that_there_is_not_is_named(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISUAL", "no-such-editor")
    result = run("config", "edit")
    assert (result.exit_code, result.stderr) == (
        2,
        "error: no-such-editor: no such editor: set VISUAL or EDITOR to one\n",
    )
    monkeypatch.delenv("VISUAL")
    monkeypatch.delenv("EDITOR", raising=False)
    monkeypatch.setenv("PATH", str(file.parent))
    assert "no editor on PATH" in run("config", "edit").stderr


def test_a_stack_without_a_file_is_answered_as_everywhere(file: Path) -> None:
    assert file.is_file()
    result = run("config", "edit", "--stack", "stagin")
    assert (result.exit_code, "to add one: arches init stagin" in result.stderr) == (2, True)
