"""The base of every settings model: one policy for names, unknown keys, immutability and error text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

_WHOLE = re.compile(r"0|-?[1-9][0-9]*")


def _whole_number(value: object) -> object:
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    if isinstance(value, bool | str) or (isinstance(value, float) and not value.is_integer()):
        raise PydanticCustomError("int_parsing", "must be a whole number")
    return value


def _boolean(value: object) -> object:
    if value in ("true", "false"):
        return value == "true"
    if not isinstance(value, bool):
        raise PydanticCustomError("bool_parsing", "must be true or false")
    return value


def _number(value: object) -> object:
    if isinstance(value, bool | str):
        raise PydanticCustomError("float_parsing", "must be a number")
    return value


_CHECKS: Mapping[str, Callable[[object], object]] = {"int": _whole_number, "bool": _boolean, "float": _number}
"""By the type of a core schema."""


def _harden(schema: Any) -> None:  # noqa: ANN401 - pydantic's schemas are nested dicts of many shapes
    """Put a check of the input before every whole number and boolean of a model's own fields."""
    if isinstance(schema, dict):
        part = cast("dict[str, Any]", schema)
        if part.get("type") == "function-before" and part["function"]["function"] in _CHECKS.values():
            # A model inside this one, which has its checks.
            return
        check = _CHECKS.get(str(part.get("type")))
        if check is not None:
            inner = dict(part)
            part.clear()
            part |= cast("dict[str, Any]", core_schema.no_info_before_validator_function(check, cast("Any", inner)))
            return
        for key, value in part.items():
            if key not in ("metadata", "serialization"):
                _harden(value)
    elif isinstance(schema, list | tuple):
        for item in cast("list[Any]", schema):
            _harden(item)


class Model(BaseModel):
    """Plain, frozen settings: camelCase in stack files, snake_case in code, unknown keys refused.

    The docstring under a field is its description in the JSON schema and in the configuration reference.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        frozen=True,
        defer_build=True,
        hide_input_in_errors=True,
        validate_default=True,
    )

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401
        """Take no value for another one: pydantic alone makes 1 of true, true of 1 and "on", and 1000 of "1_000"."""
        schema = handler(source)
        _harden(schema)
        return schema

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
