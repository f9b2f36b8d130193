from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from archesai_infra.stack.config import load
from archesai_infra.stack.explain import keys
from archesai_infra.stack.settings import Settings
from testbed.cli.projects import no_engine, project
from testbed.cli.running import run, run_json
from testbed.stacks import ROOT, raw

__all__ = ["no_engine", "project"]


def _project(directory: Path, config: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    (directory / "Pulumi.yaml").write_text("name: archesai\n", encoding="utf-8")
    document = {"config": {f"archesai:{key}": value for key, value in config.items()}}
    (directory / "Pulumi.dev.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    monkeypatch.chdir(directory)


@pytest.mark.parametrize(
    ("key", "lines"),
    [
        ("api.replicas", ["type:     whole number", "allowed:  at least 1", "default:  1"]),
        ("environment", ["allowed:  one of development, production", "default:  none, it has to be set"]),
        ("redis.appendFsync", ["redis.appendFsync (mode managed)", "allowed:  one of always, everysec, no"]),
        ("database.host", ["database.host (mode external)", "allowed:  a host name in lower case"]),
        ("api.autoscaling.cpu", ["allowed:  1 to 100", "default:  70"]),
        ("api.resources.limits.cpu", ["allowed:  a quantity of CPU, such as 250m or 1", "default:  1"]),
        ("security.dns.cidrs", ["type:     list of text", "allowed:  each: a network in CIDR notation"]),
        ("databasePassword", ["set with: arches config set databasePassword   # asks for the value"]),
        ("api.image", ["api.image.tag", "Tag; `latest` is refused in production."]),
    ],
)
def test_a_key_is_explained_from_its_model(key: str, lines: list[str]) -> None:
    output = run("config", "explain", key).output
    assert [line for line in lines if line not in output] == []


def test_a_misspelt_key_is_answered_with_the_nearest_one() -> None:
    result = run("config", "explain", "api.replcas")
    assert result.exit_code == 2
    assert result.stderr == "error: api.replcas: unknown key; did you mean api.replicas?\n"


def test_every_key_has_a_description_and_every_leaf_a_type_in_words() -> None:
    undescribed = [key.path for key in keys(Settings) if not key.description]
    untold = [key.path for key in keys(Settings) if not key.type]
    assert undescribed == []
    assert untold == []


def test_a_key_that_both_forms_of_a_module_have_alike_is_told_once() -> None:
    assert [key.form for key in keys(Settings) if key.path == "database.name"] == [""]
    assert [key.form for key in keys(Settings) if key.path == "database.size"] == ["managed", "cluster"]
    assert [key.form for key in keys(Settings) if key.path == "database.cluster.instances"] == ["cluster", "external"]
    assert [key.form for key in keys(Settings) if key.path == "database.user"] == ["managed", "cluster", "external"]


def test_the_rules_told_are_the_rules_applied() -> None:
    told = {key.path: key.allowed for key in keys(Settings)}
    with pytest.raises(Exception, match=r"api\.replicas: must be at least 1"):
        load(raw({"environment": "development", "api": {"replicas": 0}}))
    assert told["api.replicas"] == "at least 1"


def test_values_say_whether_they_come_from_the_file() -> None:
    found = {item["key"]: (item["value"], item["source"]) for item in run_json("config", "show", "-s", "prod")}
    assert found["api.replicas"] == (3, "Pulumi.prod.yaml")
    assert found["api.autoscaling.cpu"] == (70, "default")
    assert found["security.quota.hard.pods"] == ("60", "Pulumi.prod.yaml")


def test_a_part_of_the_values_is_chosen_by_its_key() -> None:
    found = [item["key"] for item in run_json("config", "show", "platform.image")]
    assert found == ["platform.image.repository", "platform.image.tag", "platform.image.digest"]


def test_secrets_are_named_and_masked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cipher = "v1:unreadable"
    _project(tmp_path, {"environment": "development", "databasePassword": {"secure": cipher}}, monkeypatch)
    output = run("config", "show").output
    assert "databasePassword\t<secret>\tPulumi.dev.yaml, encrypted" in output
    assert cipher not in output


def test_a_broken_stack_file_is_a_sentence_and_an_exit_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _project(tmp_path, {"environment": "development", "redsi": {}}, monkeypatch)
    result = run("config", "show")
    assert (result.exit_code, result.stderr) == (
        2,
        "error: Pulumi.dev.yaml:3:3: redsi: unknown key; did you mean redis?\n",
    )


def test_the_project_is_found_from_a_directory_below_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT / "tests")
    assert run("config", "show", "environment").output == "environment\tdevelopment\tPulumi.dev.yaml\n"
