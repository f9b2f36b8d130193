"""What `arches cancel` does before the engine is called; the unlocking itself is tested with the engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from testbed.cli.projects import no_engine, project
from testbed.cli.running import run

__all__ = ["no_engine", "project"]


@pytest.fixture
def calls(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that has a line for each call of the engine, which knows no stack."""
    programs = project / "programs"
    programs.mkdir()
    calls = project / "calls"
    script = programs / "pulumi"
    script.write_text(f"#!/bin/sh\necho \"$@\" >>'{calls}'\necho \"error: no stack named 'dev' found\" >&2\nexit 255\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    return calls


@pytest.mark.usefixtures("project", "no_engine")
def test_unlocking_needs_the_engine() -> None:
    result = run("cancel", "--yes")
    assert (result.exit_code, "this needs the Pulumi engine" in result.stderr) == (3, True)


def test_the_engine_is_called_only_after_a_yes(calls: Path) -> None:
    assert run("cancel", stdin="n\n").exit_code == 1
    assert not calls.exists()
    result = run("cancel", stdin="y\n")
    assert (result.exit_code, result.stderr.endswith("error: the state has no stack dev\n")) == (5, True)
    assert calls.read_text(encoding="utf-8") == "cancel --yes --stack dev --non-interactive\n"
