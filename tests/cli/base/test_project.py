from __future__ import annotations

from pathlib import Path

import pytest

from archesai_infra.cli.base import project
from archesai_infra.cli.base.completion import stack_names
from testbed.cli.running import run


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory without a project, and a package that is installed."""
    packages = tmp_path / "site-packages"
    monkeypatch.setattr(project, "__file__", str(packages / "archesai_infra" / "cli" / "base" / "project.py"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return packages


@pytest.mark.parametrize("words", ["init fresh", "preview --offline", "config show", "secrets list", "doctor", "up"])
def test_an_installed_command_outside_of_a_project_says_where_it_works(elsewhere: Path, words: str) -> None:
    result = run(*words.split())
    assert (result.exit_code, result.output) == (2, "")
    assert result.stderr == (
        f"error: {Path.cwd()}: there is no Pulumi.yaml here or above: run the command in a checkout of the project\n"
    )
    assert not elsewhere.exists()


def test_the_shell_is_offered_no_stack_outside_of_a_project(elsewhere: Path) -> None:
    assert stack_names("") == []
    assert not elsewhere.exists()


def test_a_project_is_found_from_below(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (elsewhere / "deep").mkdir(parents=True)
    (elsewhere / "Pulumi.yaml").touch()
    monkeypatch.chdir(elsewhere / "deep")
    assert project.root() == elsewhere
