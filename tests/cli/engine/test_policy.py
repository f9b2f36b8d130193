"""`--policy` where there is no engine, and where the pack cannot be made ready."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from archesai_infra.cli.base.errors import CommandError
from archesai_infra.cli.engine import policy
from testbed.cli.projects import project
from testbed.cli.running import run
from testbed.stacks import ROOT

__all__ = ["project"]

STRICTER = """

def _no_service(item):
    if item.get("kind") == "Service":
        yield "is a Service"


PRODUCTION_CHECKS["no-service"] = _no_service
"""


@pytest.fixture
def judged(project: Path) -> Path:
    """A project with the pack."""
    shutil.copytree(ROOT / "policy", project / "policy", ignore=shutil.ignore_patterns(".venv", "__pycache__"))
    return project


@pytest.mark.usefixtures("judged")
@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_offline_preview_of_a_shipped_stack_keeps_the_policies(stack: str) -> None:
    result = run("preview", "--offline", "--policy", "--stack", stack)
    assert result.exit_code == 0
    assert "no violations" in result.output.splitlines()[-1]


def test_each_object_that_breaks_a_policy_is_named_after_the_preview(judged: Path) -> None:
    with (judged / "policy" / "checks" / "__init__.py").open("a", encoding="utf-8") as checks:
        checks.write(STRICTER)
    result = run("preview", "--offline", "--policy", "--stack", "prod")
    assert result.exit_code == 1
    assert "Namespace:" in result.output
    assert "error: no-service: Service archesai-api is a Service" in result.stderr
    assert run("preview", "--offline", "--policy", "--stack", "dev").exit_code == 0


def test_a_project_without_the_pack_is_told_so(project: Path) -> None:
    assert project.is_dir()
    result = run("preview", "--offline", "--policy")
    assert result.exit_code == 2
    assert "holds no policy pack" in result.stderr


def test_packages_that_cannot_be_installed_are_one_line_with_the_cure(
    judged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(judged / "python"))
    (judged / "python").write_text("#!/bin/sh\necho no such thing >&2\nexit 3\n", encoding="utf-8")
    (judged / "python").chmod(0o755)
    with pytest.raises(CommandError, match=r"could not be installed: no such thing; .* --no-policy"):
        policy.pack(judged)


def test_a_pack_made_ready_before_is_not_made_again_until_its_pins_change(
    judged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pins = judged / "policy" / "requirements.txt"
    (judged / "policy" / ".venv").mkdir()
    (judged / "policy" / ".venv" / ".made").write_bytes(pins.read_bytes())
    monkeypatch.setattr(sys, "executable", str(judged / "none"))
    assert policy.pack(judged) == judged / "policy"
    pins.write_text(pins.read_text(encoding="utf-8") + "\n# other\n", encoding="utf-8")
    with pytest.raises(CommandError, match="could not be installed"):
        policy.pack(judged)
