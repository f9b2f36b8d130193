"""The schema and the reference say of every key what the program does with it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from archesai_infra.stack.config import PROJECT
from archesai_infra.stack.explain import Key, keys
from archesai_infra.stack.settings import Settings
from tools.reference import reference
from tools.schema import stack_schema

LEAVES = [key for key in keys(Settings) if not key.group and not key.secret]
SCHEMA = stack_schema()


def properties(key: Key) -> list[dict[str, Any]]:
    """What the schema says of a key, once for each form of its module that has it."""
    first, *rest = key.path.split(".")
    found: list[dict[str, Any]] = [SCHEMA["properties"]["config"]["properties"][f"{PROJECT}:{first}"]]
    for name in rest:
        found = [model["properties"][name] for item in found for model in models(item) if name in model["properties"]]
    return found


def models(item: dict[str, Any]) -> list[dict[str, Any]]:
    options = item.get("oneOf") or item.get("anyOf") or [item]
    references = [option["$ref"].rpartition("/")[2] for option in options if "$ref" in option]
    return [SCHEMA["$defs"][name] for name in references if "properties" in SCHEMA["$defs"][name]]


def test_every_key_stands_in_the_reference_once_for_each_form() -> None:
    rows = re.findall(r"^\| `([^`]+)` \|", reference(), re.MULTILINE)
    secrets = [key.path for key in keys(Settings) if key.secret]
    assert sorted(rows) == sorted([*secrets, *(key.path for key in LEAVES)])


def test_a_key_is_called_required_where_a_file_without_it_is_refused_and_nowhere_else() -> None:
    required = re.findall(r"^\| `([^`]+)` \|[^\n]*\| required \|", reference(), re.MULTILINE)
    assert sorted(required) == sorted(key.path for key in LEAVES if key.required)
    assert {"environment", "redis.host", "api.runOnHost.ip"} <= set(required)
    assert not any("resources" in path for path in required)


@pytest.mark.parametrize("key", [key for key in LEAVES if not key.item], ids=lambda key: f"{key.path} {key.form}")
def test_a_default_in_the_schema_is_the_one_that_is_used(key: Key) -> None:
    found = properties(key)
    assert found
    defaults = [item["default"] for item in found if "default" in item and "const" not in item]
    assert key.form or key.path.endswith(".mode") or all(default == key.default for default in defaults)


def test_no_property_has_a_title_made_from_its_name() -> None:
    parts = [SCHEMA, *SCHEMA["$defs"].values()]
    titles = [item["title"] for part in parts for item in part.get("properties", {}).values() if "title" in item]
    assert titles == []


def test_the_schema_marks_text_that_the_program_refuses() -> None:
    (tag,) = properties(next(key for key in LEAVES if key.path == "api.image.tag"))
    assert any("pattern" in option for option in tag["anyOf"])
