"""`arches init`: a stack file that works at once."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from testbed.cli.projects import no_engine, project
from testbed.cli.running import run

__all__ = ["no_engine", "project"]

pytestmark = pytest.mark.usefixtures("no_engine")
ENCRYPTED = """\
encryptionsalt: v1:AAAA:v1:BBBB
config:
  archesai:environment: development
  # The team's own cluster.
  archesai:cluster: {context: team}
  archesai:databasePassword:
    secure: AAABAMdV7dXnzq0=
"""


def test_a_new_stack_is_previewed_at_once_and_has_a_namespace_of_its_own(project: Path) -> None:
    result = run("init", "staging")
    assert result.exit_code == 0, result.stderr
    assert yaml.safe_load((project / "Pulumi.staging.yaml").read_text(encoding="utf-8"))["config"] == {
        "archesai:environment": "development",
        "archesai:namespace": "archesai-staging",
    }
    preview = run("preview", "--stack", "staging", "--offline")
    assert (preview.exit_code, "Namespace: archesai-staging" in preview.output) == (0, True), preview.stderr


def test_a_stack_like_another_has_its_settings_and_comments_and_none_of_its_secrets(project: Path) -> None:
    (project / "Pulumi.team.yaml").write_text(ENCRYPTED, encoding="utf-8")
    result = run("init", "staging", "--from", "team", "--namespace", "team-staging")
    assert result.exit_code == 0, result.stderr
    text = (project / "Pulumi.staging.yaml").read_text(encoding="utf-8")
    assert "# The team's own cluster.\n  archesai:cluster: {context: team}\n" in text
    assert "secure" not in text
    assert "encryptionsalt" not in text
    assert "archesai:namespace: team-staging" in text
    assert "arches config set databasePassword --stack staging   # not copied" in result.output
    assert run("config", "get", "cluster.context", "--stack", "staging").output == "team\n"


def test_production_is_a_copy_of_the_shipped_production_stack(project: Path) -> None:
    assert run("init", "live", "--from", "prod").exit_code == 0
    assert run("config", "get", "environment", "--stack", "live").output == "production\n"
    assert (project / "Pulumi.live.yaml").is_file()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["dev"], "Pulumi.dev.yaml already exists; edit it: arches config edit --stack dev"),
        (["../x"], "../x: the stack's name must be lower-case letters, digits and '-', at most 40 characters"),
        (["Staging"], "the stack's name must be lower-case letters"),
        (["staging", "--from", "prdo"], "no such stack file; stacks here: dev, prod; did you mean prod?"),
        (["staging", "--namespace", "Team_1"], "namespace: must be a DNS label"),
    ],
)
def test_what_cannot_be_a_stack_makes_no_file(project: Path, arguments: list[str], says: str) -> None:
    before = sorted(project.iterdir())
    result = run("init", *arguments)
    assert (result.exit_code, says in result.stderr) == (2, True), result.stderr
    assert sorted(project.iterdir()) == before


def test_a_name_that_cannot_be_a_stack_is_not_offered_as_a_new_one(project: Path) -> None:
    assert project.is_dir()
    result = run("preview", "--stack", "../x")
    assert (result.exit_code, "arches init" in result.stderr) == (2, False)
    assert "the stack's name must be lower-case letters" in result.stderr
