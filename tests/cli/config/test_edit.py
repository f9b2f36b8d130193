"""Edits of the stack file without an engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from archesai_infra.cli.config.edit import parsed
from testbed.cli.projects import no_engine, project
from testbed.cli.running import run

__all__ = ["no_engine", "project"]

FILE = """\
# yaml-language-server: $schema=./schema/stack.schema.json
config:
  archesai:environment: development  # never production here
  # The api of the team.
  archesai:api:
    replicas: 2
    image: {tag: "1.10"}
"""

pytestmark = pytest.mark.usefixtures("no_engine")


@pytest.fixture
def file(project: Path) -> Path:
    path = project / "Pulumi.dev.yaml"
    path.write_text(FILE, encoding="utf-8")
    return path


def _config(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))["config"]


def test_a_set_key_is_one_changed_line_and_every_comment_stays(file: Path) -> None:
    result = run("config", "set", "api.replicas", "3")
    assert result.exit_code == 0, result.stderr
    assert file.read_text(encoding="utf-8") == FILE.replace("replicas: 2", "replicas: 3")


@pytest.mark.parametrize(
    ("key", "value", "place", "written"),
    [
        ("redis.enabled", "true", ["archesai:redis", "enabled"], True),
        ("archesai:redis.size", "9Gi", ["archesai:redis", "size"], "9Gi"),
        ("api.image.tag", "1.20", ["archesai:api", "image", "tag"], "1.20"),
        ("platform.image.tag", "0123456", ["archesai:platform", "image", "tag"], "0123456"),
        ("namespace", "team", ["archesai:namespace"], "team"),
        ("security.dns.cidrs", "[10.0.0.0/8, 192.0.2.1/32]", ["archesai:security", "dns", "cidrs"], None),
        ('security.quota.hard["requests.cpu"]', "4", ["archesai:security", "quota", "hard", "requests.cpu"], "4"),
        ("security.dns.cidrs[0]", "10.0.0.0/8", ["archesai:security", "dns", "cidrs", 0], "10.0.0.0/8"),
    ],
)
def test_a_value_is_written_as_it_was_given(
    file: Path, key: str, value: str, place: list[str | int], written: object
) -> None:
    result = run("config", "set", key, value)
    found: Any = _config(file)
    for part in place:
        found = found[part]
    assert result.exit_code == 0, result.stderr
    assert found == (yaml.safe_load(value) if written is None else written)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["redis.maxmemory", "lots"], "redis.maxmemory: unknown key; did you mean redis.maxMemory?"),
        (["redsi.enabled", "true"], "redsi: unknown key; did you mean redis?"),
        (["api.replicas", "-1"], "api.replicas: must be at least"),
        (["api.replicas", "many"], "api.replicas: must be a whole number (got many)"),
        (["api.replicas"], "the value is missing: arches config set api.replicas <value>"),
        (["redis[", "1"], "redis[: cannot be read as a key"),
    ],
)
def test_a_value_that_is_refused_leaves_the_file_as_it_was(file: Path, arguments: list[str], says: str) -> None:
    result = run("config", "set", *arguments)
    assert (result.exit_code, says in result.stderr) == (2, True), result.stderr
    assert file.read_text(encoding="utf-8") == FILE
    assert sorted(path.name for path in file.parent.iterdir() if path.name.startswith(".Pulumi")) == []


def test_a_file_with_another_mistake_can_be_corrected_step_by_step(file: Path) -> None:
    file.write_text(FILE.replace("replicas: 2", "replicas: 0").replace("development", "nowhere"), encoding="utf-8")
    assert run("config", "set", "api.replicas", "2").exit_code == 0
    assert run("config", "set", "environment", "development").exit_code == 0
    assert run("config", "get", "api.replicas").output == "2\n"


@pytest.mark.parametrize("changed", ["redis", "storage"])
def test_a_key_below_an_alias_changes_in_its_own_place_alone(file: Path, changed: str) -> None:
    shared = "  archesai:redis: &on\n    enabled: true\n  archesai:storage: *on\n"
    file.write_text(f"config:\n  archesai:environment: development\n{shared}", encoding="utf-8")
    result = run("config", "set", f"{changed}.size", "9Gi")
    assert result.exit_code == 0, result.stderr
    other = {"redis": "storage", "storage": "redis"}[changed]
    written = _config(file)
    assert written[f"archesai:{changed}"] == {"enabled": True, "size": "9Gi"}
    assert written[f"archesai:{other}"] == {"enabled": True}
    assert run("config", "unset", f"{changed}.size").exit_code == 0
    assert _config(file)[f"archesai:{changed}"] == {"enabled": True}


def test_unset_removes_the_key_and_the_group_that_it_leaves_empty(file: Path) -> None:
    run("config", "set", "redis.enabled", "true")
    assert run("config", "unset", "redis.enabled").exit_code == 0
    assert file.read_text(encoding="utf-8") == FILE
    result = run("config", "unset", "redis.enabled")
    assert (result.exit_code, "Pulumi.dev.yaml does not set it" in result.stderr) == (2, True)


def test_get_prints_the_value_or_its_default(file: Path) -> None:
    assert file.is_file()
    assert run("config", "get", "api.image.tag").output == "1.10\n"
    assert run("config", "get", "archesai:platform.replicas").output == "1\n"
    wrong = run("config", "get", "api.replcas")
    assert (wrong.exit_code, "did you mean api.replicas?" in wrong.stderr) == (2, True)


def test_a_secret_is_asked_for_and_needs_the_engine_but_changes_nothing_without_it(file: Path) -> None:
    result = run("config", "set", "databasePassword", stdin="made-up\n")
    assert (result.exit_code, "install pulumi" in result.stderr) == (3, True)
    assert file.read_text(encoding="utf-8") == FILE


def test_the_mode_of_the_file_stays(file: Path) -> None:
    file.chmod(0o640)
    run("config", "set", "api.replicas", "3")
    assert file.stat().st_mode & 0o777 == 0o640


def test_a_key_is_parsed_as_pulumi_writes_paths() -> None:
    assert parsed('a.b[0]["c.d"].e') == ["a", "b", 0, "c.d", "e"]


def test_a_secret_that_is_empty_is_refused_before_anything_is_written(project: Path) -> None:
    before = (project / "Pulumi.dev.yaml").read_bytes()
    for arguments, stdin in (
        (("databasePassword",), ""),
        (("databasePassword",), "\n"),
        (("databasePassword", ""), ""),
    ):
        result = run("config", "set", *arguments, stdin=stdin)
        assert (result.exit_code, result.output) == (2, "")
        assert result.stderr == "error: databasePassword: the value is empty: type it, or pipe it into the command\n"
    assert (project / "Pulumi.dev.yaml").read_bytes() == before
