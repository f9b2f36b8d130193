from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.engine.operations import Change
from archesai_infra.cli.up.rolling_back import roll_back
from archesai_infra.stack.config import ConfigError
from testbed.cli.projects import project
from testbed.cli.worlds import room_for

__all__ = ["project"]

FIRST = "config:\n  archesai:environment: development\n"
SECOND = f"{FIRST}  archesai:namespace: second\n"


def _git(project: Path, *words: str) -> None:
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.com"]
    subprocess.run(["git", *identity, *words], cwd=project, check=True, capture_output=True, timeout=60)


@pytest.fixture
def file(project: Path) -> Path:
    """A stack file with two commits."""
    path = project / "Pulumi.dev.yaml"
    _git(project, "init", "-q")
    for text in (FIRST, SECOND):
        path.write_text(text, encoding="utf-8")
        _git(project, "add", ".")
        _git(project, "commit", "-q", "-m", "a change")
    return path


@pytest.fixture
def applied(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stacks that were applied."""
    stacks: list[str] = []

    def apply(stack: str, _change: Change) -> None:
        stacks.append(stack)

    monkeypatch.setattr("archesai_infra.cli.up.rolling_back.up", apply)
    return stacks


def test_the_file_before_the_last_change_is_applied(file: Path, applied: list[str]) -> None:
    roll_back("dev", None, Change(yes=True))
    assert (applied, file.read_text(encoding="utf-8")) == (["dev"], FIRST)


def test_what_is_refused_leaves_the_file_as_it_was(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_stack: str, _change: Change) -> None:
        raise CommandError("not confirmed", Exit.FOUND)

    monkeypatch.setattr("archesai_infra.cli.up.rolling_back.up", refuse)
    with pytest.raises(CommandError, match="not confirmed"):
        roll_back("dev", None, Change())
    assert file.read_text(encoding="utf-8") == SECOND


def test_changes_that_are_not_committed_are_not_overwritten(file: Path, applied: list[str]) -> None:
    file.write_text(f"{SECOND}  archesai:domain: example.org\n", encoding="utf-8")
    with pytest.raises(CommandError, match="has changes that are not committed"):
        roll_back("dev", None, Change(yes=True))
    assert applied == []
    assert "example.org" in file.read_text(encoding="utf-8")


def test_an_earlier_file_that_does_not_fit_on_the_disk_leaves_the_present_one(file: Path, applied: list[str]) -> None:
    for text in (FIRST + "# more\n" * 1000, SECOND):
        file.write_text(text, encoding="utf-8")
        _git(file.parent, "commit", "-q", "-a", "-m", "a change")
    with room_for(2000), pytest.raises(OSError, match="Pulumi"):
        roll_back("dev", None, Change(yes=True))
    assert (applied, file.read_text(encoding="utf-8")) == ([], SECOND)


def test_a_revision_that_git_does_not_know_is_a_sentence(file: Path, applied: list[str]) -> None:
    with pytest.raises(CommandError, match=r"Git has no Pulumi\.dev\.yaml there"):
        roll_back("dev", "nowhere", Change(yes=True))
    assert (applied, file.read_text(encoding="utf-8")) == ([], SECOND)


def test_without_the_history_of_the_file_nothing_is_said_about_changes(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CommandError, match="there is no Git repository with a commit here"):
        roll_back("dev", None, Change(yes=True))
    monkeypatch.setenv("PATH", str(project))
    with pytest.raises(CommandError, match="no `git` on PATH"):
        roll_back("dev", None, Change(yes=True))


@pytest.mark.usefixtures("file")
def test_a_stack_that_there_is_not_is_no_change_that_is_not_committed() -> None:
    with pytest.raises(ConfigError, match="no such stack file"):
        roll_back("prdo", None, Change(yes=True))
