from __future__ import annotations

from importlib.metadata import version
from typing import Any

import yaml

from archesai_infra.stack.config import PROJECT, load
from archesai_infra.stack.deploy import outputs
from archesai_infra.stack.explain import keys
from archesai_infra.stack.settings import Settings
from testbed.stacks import ROOT, raw, shipped

PROJECT_FILE = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))


def test_the_project_is_named_as_its_configuration_keys_are() -> None:
    assert PROJECT_FILE["name"] == PROJECT


def test_the_engine_is_given_every_key_that_it_can_check_and_no_other() -> None:
    declared = {key.removeprefix(f"{PROJECT}:"): value for key, value in PROJECT_FILE["config"].items()}
    groups = {key.path for key in keys(Settings) if key.group and "." not in key.path}
    assert {name for name, value in declared.items() if value["type"] == "object"} == groups
    assert all(value["default"] == {} for value in declared.values() if value["type"] == "object")
    assert declared.keys() - groups == {"environment"}
    assert "default" not in declared["environment"]


def test_the_declared_defaults_change_nothing() -> None:
    declared = {
        key.removeprefix(f"{PROJECT}:"): value["default"]
        for key, value in PROJECT_FILE["config"].items()
        if "default" in value
    }
    assert load(raw({"environment": "development"} | declared))[0] == load(raw({"environment": "development"}))[0]


def test_the_program_asks_for_an_engine_that_knows_its_resources_and_finds_its_environment() -> None:
    assert PROJECT_FILE["requiredPulumiVersion"] == ">=3.214.0"
    assert tuple(int(part) for part in version("pulumi").split(".")) >= (3, 214, 0)
    assert PROJECT_FILE["runtime"]["options"] == {"toolchain": "pip", "virtualenv": ".venv"}


def test_the_program_itself_is_short() -> None:
    assert len((ROOT / "__main__.py").read_text(encoding="utf-8").splitlines()) <= 15


def test_outputs_name_what_runs_and_no_credential() -> None:
    shown: dict[str, Any] = dict(outputs(shipped("prod").settings))
    assert set(shown) == {"namespace", "modules", "urls", "images", "nextCommands"}
    assert shown["images"]["api"] == "archesai/api:v1.0.0"
    assert shown["urls"]["api"] == "https://api.arches.example.com"
    assert not any(word in str(shown).lower() for word in ("password", "secret", "token"))
