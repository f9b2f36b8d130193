"""The base of every settings model: one policy for names, unknown keys, immutability and error text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic.alias_generators import to_camel


class Model(BaseModel):
    """Plain, frozen settings: camelCase in stack files, snake_case in code, unknown keys refused.

    The docstring under a field is its description in the JSON schema and in the configuration reference.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        validate_default=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _parts_keep_defaults(cls, given: Any) -> Any:  # noqa: ANN401 - whatever stands in the stack file
        """What a stack file leaves out of a group keeps the group's default, as on every other level."""
        if not isinstance(given, Mapping):
            return given
        values = dict(cast("Mapping[str, Any]", given))
        for name, field in cls.model_fields.items():
            key = field.alias or name
            part = values.get(key)
            if isinstance(field.default, Model) and isinstance(part, Mapping):
                values[key] = _filled(
                    cast("Mapping[str, Any]", part), field.default.model_dump(by_alias=True, exclude_unset=True)
                )
        return values


def _filled(part: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    filled = {**defaults, **part}
    for key, default in defaults.items():
        if isinstance(default, Mapping) and isinstance(filled[key], Mapping):
            filled[key] = _filled(filled[key], cast("Mapping[str, Any]", default))
    return filled
