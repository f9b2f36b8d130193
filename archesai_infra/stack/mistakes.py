"""What a user reads about a wrong value or key: the key, the problem and the cure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from archesai_infra.stack.explain import MODE, Key, fields, forms_of, keys, mode
from archesai_infra.stack.settings import Settings
from archesai_infra.stack.strict_yaml import Place

Parts = Sequence[int | str]
"""Keys and indices that lead to a value."""


def dotted(parts: Iterable[int | str]) -> str:
    """A place as `arches config set` takes it: `api.egress[0].cidr`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).removeprefix(".")


def groups(key: str) -> list[type[BaseModel]]:
    """The models of a top-level key: none for a plain value, several for a module with several forms."""
    field = fields(Settings).get(key)
    return forms_of(field.annotation) if field is not None else []


def group_wanted(key: str) -> str:
    """What to write instead of a plain value for a group."""
    inside = [name for model in groups(key) for name in fields(model)]
    example = "enabled true" if "enabled" in inside else f"{inside[0]} <value>"
    return f"must be an object: arches config set {key}.{example}"


def describe(error: ErrorDetails, places: Mapping[str, Place]) -> str:
    """One of pydantic's errors as `key: what is wrong and what would be right`."""
    parts, form = _located(error["loc"])
    key = dotted(parts)
    if error["type"] == "extra_forbidden":
        return f"{key}: {_unknown(parts, form)}"
    if error["type"] == "missing":
        return f"{key}: is required" + (": set it to development or production" if key == "environment" else "")
    if len(parts) == 1 and error["type"] in ("model_type", "model_attributes_type"):
        return f"{key}: {group_wanted(key)}{_got(error, places.get(key))}"
    wrong = _wrong(error)
    if wrong.endswith("write it in quotes"):
        return f'{key}: {wrong}: "{_written(error, places.get(key))}"'
    return f"{key}: {wrong}{_got(error, places.get(key))}"


def _located(location: tuple[int | str, ...]) -> tuple[list[int | str], str]:
    """A location without pydantic's own marks, and the form of the module that it is in."""
    parts = [part for part in location if part != "[key]"]
    models = groups(str(parts[0])) if parts else []
    if len(parts) > 1 and len(models) > 1 and parts[1] in {mode(model) for model in models}:
        return [parts[0], *parts[2:]], str(parts[1])
    return parts, ""


def _unknown(parts: Parts, form: str) -> str:
    *parents, last = parts
    first = str(last).partition(".")[0]
    if not parents and first != last and groups(first):
        return f"unknown key; write it inside {first}: arches config set {last} <value>"
    names = _names(parents, form)
    elsewhere = [key.form for key in _below(parents) if key.path.rpartition(".")[2] == last and key.form != form]
    if form and elsewhere:
        takes = " or ".join(dict.fromkeys(elsewhere))
        return f"only {parents[0]}.{MODE} {takes} takes this key: remove it, or change the mode (now {form})"
    near = get_close_matches(str(last), names, n=1, cutoff=0.5)
    if near:
        return f"unknown key; did you mean {dotted([*parents, near[0]])}?"
    return f"unknown key; the keys here are {', '.join(sorted(names))}"


def _names(parents: Parts, form: str) -> list[str]:
    """Valid keys at a place, in one form of a module or in all of them; at the top, the secret ones too."""
    return [key.path.rpartition(".")[2] for key in _below(parents) if not form or key.form in ("", form)]


def _below(parents: Parts) -> list[Key]:
    """The keys right below a place."""
    every = _keys()
    paths = {key.path for key in every}
    pattern = ""
    for part in parents:
        if isinstance(part, int):
            pattern = f"{pattern}[]"
        elif f"{pattern}.{part}".removeprefix(".") in paths:
            pattern = f"{pattern}.{part}".removeprefix(".")
        else:
            pattern = f"{pattern}.*"
    return [key for key in every if key.path.rpartition(".")[0] == pattern]


@cache
def _keys() -> tuple[Key, ...]:
    return tuple(keys(Settings))


_WORDS = {
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be less than {lt}",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "bool_parsing": "must be true or false",
    "float_parsing": "must be a number",
    "string_type": "must be text",
    "string_pattern_mismatch": "must match {pattern}",
    "tuple_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "too_short": "must have at least {min_length} item",
    "value_error": "{error}",
}
"""This program's words for pydantic's error types."""


def _wrong(error: ErrorDetails) -> str:
    context: dict[str, Any] = error.get("ctx", {})
    forms = groups(str(error["loc"][0])) if error["loc"] else []
    if error["type"] == "literal_error" and error["loc"][-1] == MODE and len(forms) > 1:
        return f"must be {' or '.join(map(mode, forms))}"
    if error["type"] == "literal_error":
        return "must be " + str(context["expected"]).replace("'", "")
    if error["type"] == "string_type" and isinstance(error.get("input"), bool | int | float):
        return "must be text: write it in quotes"
    return _WORDS.get(error["type"], error["msg"]).format(**context)


def _got(error: ErrorDetails, place: Place | None) -> str:
    return f" (got {_written(error, place)})" if isinstance(error.get("input"), str | int | float) else ""


def _written(error: ErrorDetails, place: Place | None) -> str:
    """The value as the file has it: YAML has made `1.1` of `1.10`."""
    value = error.get("input")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float) and place is not None and place.text:
        return place.text
    return " ".join(str(value).splitlines())
