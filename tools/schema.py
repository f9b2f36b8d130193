"""JSON schema of the stack files, for completion and checks in editors."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from archesai_infra.stack.config import PROJECT
from archesai_infra.stack.credential_sources import CREDENTIALS
from archesai_infra.stack.descriptions import described_schema
from archesai_infra.stack.explain import forms_of
from archesai_infra.stack.settings import Settings

SECRET = {"type": "object", "required": ["secure"], "properties": {"secure": {"type": "string"}}}


def stack_schema() -> dict[str, Any]:
    """Schema of `Pulumi.<stack>.yaml`: our keys exactly, other projects' and providers' keys as they are."""
    settings = described_schema(Settings)
    definitions = settings.pop("$defs")
    for model, name in _varying_defaults():
        definitions[model]["properties"][name].pop("default", None)
    keys: dict[str, Any] = {f"{PROJECT}:{name}": value for name, value in settings["properties"].items()}
    keys |= {f"{PROJECT}:{key}": SECRET | {"description": info.description} for key, info in CREDENTIALS.items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Stack file of archesai-infra",
        "type": "object",
        "properties": {
            "config": {
                "type": "object",
                "properties": keys,
                "required": [f"{PROJECT}:{name}" for name in settings["required"]],
                "patternProperties": {f"^(?!{PROJECT}:)": {}},
                "additionalProperties": False,
            },
            "encryptionsalt": {"type": "string"},
            "secretsprovider": {"type": "string"},
            "encryptedkey": {"type": "string"},
        },
        "$defs": definitions,
    }


def _varying_defaults() -> list[tuple[str, str]]:
    """Model and key of each default that depends on where the model is used: one definition serves all places."""
    seen: dict[tuple[str, str], set[str]] = defaultdict(set)
    for model, name, default in _defaults(Settings, None):
        seen[model, name].add(repr(default))
    return [key for key, values in seen.items() if len(values) > 1]


def _defaults(model: type[BaseModel], given: BaseModel | None) -> Iterator[tuple[str, str, object]]:
    """Default of each key wherever its model is used; `given` is what the model above sets."""
    for attribute, field in model.model_fields.items():
        own: object = field.get_default(call_default_factory=True, validated_data={})
        default: object = own if given is None else getattr(given, attribute)
        yield model.__name__, field.alias or attribute, default
        for inner in forms_of(field.annotation):
            yield from _defaults(inner, default if isinstance(default, inner) else None)
