"""The base of every settings model: one policy for names, unknown keys, immutability and error text."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
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
        use_attribute_docstrings=True,
        validate_default=True,
    )
