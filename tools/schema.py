"""JSON schema of the stack files, for completion and checks in editors."""

from __future__ import annotations

from typing import Any

from archesai_infra.credentials import DESCRIPTIONS
from archesai_infra.stack.config import PROJECT
from archesai_infra.stack.descriptions import described_schema
from archesai_infra.stack.settings import Settings

SECRET = {"type": "object", "required": ["secure"], "properties": {"secure": {"type": "string"}}}


def stack_schema() -> dict[str, Any]:
    """Schema of `Pulumi.<stack>.yaml`: our keys exactly, other projects' and providers' keys as they are."""
    settings = described_schema(Settings)
    definitions = settings.pop("$defs")
    keys: dict[str, Any] = {f"{PROJECT}:{name}": value for name, value in settings["properties"].items()}
    keys |= {f"{PROJECT}:{key}": SECRET | {"description": text} for key, text in DESCRIPTIONS.items()}
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
