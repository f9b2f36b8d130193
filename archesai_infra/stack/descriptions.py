"""What each setting means: the docstring under its field, read where somebody asks.

Pydantic can read them too, but for every model as it is defined: a tenth of a second of each preview.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema


def descriptions(model: type[BaseModel]) -> Mapping[str, str]:
    """Text under each field of a model, inherited ones too, by the field's name in code."""
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if issubclass(base, BaseModel) and base is not BaseModel:
            found |= _by_class(base.__module__)[base.__name__]
    return found


def described_schema(model: type[BaseModel]) -> dict[str, Any]:
    """JSON schema of a model, by its aliases, in which every field has its description."""
    return model.model_json_schema(by_alias=True, schema_generator=_Described)


class _Described(GenerateJsonSchema):
    def model_schema(self, schema: core_schema.ModelSchema) -> dict[str, Any]:
        """Schema of one model."""
        built = super().model_schema(schema)
        model: type[BaseModel] = schema["cls"]
        # Neither a class name nor `Retaindata` for `retainData` says anything in an editor.
        for part in (built, *built["properties"].values()):
            part.pop("title", None)
        for name, text in descriptions(model).items():
            built["properties"][model.model_fields[name].alias or name]["description"] = text
        return built


@cache
def _by_class(module: str) -> Mapping[str, Mapping[str, str]]:
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {one.name: dict(_texts(one)) for one in tree.body if isinstance(one, ast.ClassDef)}


def _texts(model: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, below in zip(model.body, model.body[1:], strict=False):
        if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
            continue
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) and isinstance(below.value.value, str):
            yield field.target.id, inspect.cleandoc(below.value.value)
