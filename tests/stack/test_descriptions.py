"""Descriptions of settings, read from the docstrings under their fields."""

from __future__ import annotations

import subprocess
import sys

from archesai_infra.components.database import ManagedDatabase
from archesai_infra.stack.descriptions import described_schema, descriptions
from archesai_infra.stack.settings import Settings


def test_a_field_is_described_by_the_text_under_it() -> None:
    assert descriptions(Settings)["redis"] == "Redis."


def test_a_text_of_several_lines_loses_only_its_indentation() -> None:
    assert "\nwhen they come back." in descriptions(Settings)["retain_data"]


def test_fields_of_a_base_are_described_too() -> None:
    assert set(descriptions(ManagedDatabase)) == set(ManagedDatabase.model_fields)


def test_every_property_of_the_schema_has_a_description() -> None:
    schema = described_schema(Settings)
    models = [schema, *schema["$defs"].values()]
    lacking = [
        name for one in models for name, field in one.get("properties", {}).items() if "description" not in field
    ]
    assert lacking == []


def test_evaluating_a_stack_reads_no_source() -> None:
    script = "import inspect; del inspect.findsource; import archesai_infra.stack.deploy"
    subprocess.run([sys.executable, "-c", script], check=True)
