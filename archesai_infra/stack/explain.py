"""Every key that a stack file can have, from the settings models: type, default, allowed values, meaning.

This is the one list of keys: messages about wrong keys, `arches config explain` and the reference are made from it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, get_args, get_origin

from annotated_types import Ge, Le, MinLen
from pydantic import BaseModel, JsonValue, TypeAdapter
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from archesai_infra.stack.credential_sources import CREDENTIALS
from archesai_infra.stack.descriptions import descriptions
from archesai_infra.types import Rule

MODE = "mode"
"""The key that chooses the form of a module with several."""


@dataclass(frozen=True)
class Key:
    """A key as a user reads about it."""

    path: str
    """Dotted, as in `pulumi config set --path`."""
    type: str
    default: object
    """JSON; None where there is none."""
    required: bool
    """Whether it must be set where its group is."""
    description: str
    allowed: str = ""
    """What a value must be, in words; empty where the type says it all."""
    form: str = ""
    """The mode of a data module that has the key; empty where every form has it."""
    group: bool = False
    """Whether other keys lie below it."""
    item: bool = False
    """Whether it belongs to each item of a list (`[]` in the path) or value of an object (`*`)."""
    secret: bool = False


def keys(model: type[BaseModel]) -> list[Key]:
    """All keys of a model and below it, in the order of the model; then the secret ones."""
    found = list(_keys(model, "", "", None))
    secrets = [
        Key(str(name), "secret text", None, required=False, description=info.description, secret=True)
        for name, info in CREDENTIALS.items()
    ]
    return [*_without_repetition(found), *secrets]


def _without_repetition(every: list[Key]) -> list[Key]:
    """A key that all forms of its module have alike stands once, and not as one form's."""
    forms: dict[str, set[str]] = defaultdict(set)
    versions: dict[str, list[Key]] = defaultdict(list)
    for key in every:
        forms[_module(key)].add(key.form)
        versions[key.path].append(key)
    unique: dict[tuple[str, str], Key] = {}
    for key in every:
        alike = {str(replace(version, form="")) for version in versions[key.path]}
        everywhere = len(alike) == 1 and len(versions[key.path]) == len(forms[_module(key)] - {""})
        kept = replace(key, form="") if everywhere else key
        unique.setdefault((kept.path, kept.form), kept)
    return list(unique.values())


def _module(key: Key) -> str:
    return key.path.partition(".")[0]


def _keys(
    model: type[BaseModel], prefix: str, form: str, given: BaseModel | None, *, item: bool = False
) -> Iterator[Key]:
    """Keys of a model; `given` is what the model above sets for it where the stack file sets nothing."""
    texts = descriptions(model)
    for name, field in model.model_fields.items():
        if form and name == MODE and not item:
            continue
        path = f"{prefix}{field.alias or name}"
        default: object = getattr(given, name) if given is not None else _default(field)
        models = forms_of(field.annotation)
        required = given is None and field.is_required()
        yield replace(_key(path, field, default, form, texts.get(name, ""), required=required), item=item)
        if len(models) > 1:
            yield _mode_key(path, models)
        for inner in models:
            below = mode(inner) if len(models) > 1 else form
            yield from _keys(inner, f"{path}.", below, default if isinstance(default, inner) else None, item=item)
        for suffix, inner in _items(field.annotation):
            yield from _keys(inner, f"{path}{suffix}.", form, None, item=True)


def _mode_key(path: str, models: list[type[BaseModel]]) -> Key:
    modes = [mode(model) for model in models]
    text = "Which form of the module it is; each form has keys of its own."
    allowed = f"one of {', '.join(modes)}"
    return Key(f"{path}.{MODE}", "text", modes[0], required=False, description=text, allowed=allowed)


def _key(path: str, field: FieldInfo, default: object, form: str, description: str, *, required: bool) -> Key:
    whole: Any = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    group = bool(forms_of(field.annotation))
    return Key(
        path=path,
        type="group" if group else type_name(whole),
        default=None if group else TypeAdapter[object](Any).dump_python(default, mode="json", by_alias=True),
        required=required,
        description=description,
        allowed="" if group else "; ".join(dict.fromkeys(_rules(whole))),
        form=form,
        group=group,
    )


def fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Fields of a model by their names in stack files."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _default(field: FieldInfo) -> object:
    value: object = field.get_default(call_default_factory=True, validated_data={})
    return None if value is PydanticUndefined else value


def forms_of(annotation: object) -> list[type[BaseModel]]:
    """Models right below a key: one for a group, several for a module with several forms, none for a value."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (tuple, list, dict, Literal):
        return []
    return [model for argument in get_args(annotation) for model in forms_of(argument)]


def _items(annotation: object) -> Iterator[tuple[str, type[BaseModel]]]:
    """Models of the items of a list or the values of an object, each with what marks it in a path."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (tuple, list):
        yield from (("[]", model) for model in forms_of(arguments[0]))
    elif origin is dict:
        yield from ((".*", model) for model in forms_of(arguments[1]))
    elif origin is not Literal:
        yield from (item for argument in arguments for item in _items(argument))


def mode(model: type[BaseModel]) -> str:
    """The mode that chooses a form; empty for a model without one."""
    field = model.model_fields.get(MODE)
    return str(get_args(field.annotation)[0]) if field is not None else ""


_TYPES: dict[object, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    type(None): "null",
    JsonValue: "any JSON",
}


def type_name(annotation: object) -> str:
    """A type in the user's words."""
    if annotation in _TYPES:
        return _TYPES[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return "text"
    if origin is tuple:
        return f"list of {type_name(arguments[0])}"
    if origin is dict:
        return f"object of {type_name(arguments[0])} to {type_name(arguments[1])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"object with {', '.join(fields(annotation))}"
    alternatives = arguments[:1] if origin is Annotated else arguments
    return " or ".join(dict.fromkeys(map(type_name, alternatives)))


def _rules(annotation: object) -> Iterator[str]:
    """What values must be, read from the validators themselves."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        yield "one of " + ", ".join(map(str, arguments))
    elif origin is Annotated:
        yield from _own_rules(arguments)
        yield from _rules(arguments[0])
    elif origin is dict:
        yield from (f"keys: {rule}" for rule in _rules(arguments[0]))
        yield from (f"values: {rule}" for rule in _rules(arguments[1]))
    elif origin is tuple:
        yield from (f"each: {rule}" for rule in _rules(arguments[0]))
    else:
        for argument in arguments:
            yield from _rules(argument)


def _own_rules(arguments: tuple[Any, ...]) -> Iterator[str]:
    parts = [part for metadata in arguments[1:] for part in _parts(metadata)]
    low = next((part.ge for part in parts if isinstance(part, Ge)), None)
    high = next((part.le for part in parts if isinstance(part, Le)), None)
    if low is not None:
        yield f"{low} to {high}" if high is not None else f"at least {low}"
    yield from (f"at least {part.min_length} of them" for part in parts if isinstance(part, MinLen))
    yield from (part.rule.removeprefix("must be ") for part in parts if isinstance(part, Rule))
    patterns = (getattr(part, "pattern", None) for part in parts if not isinstance(part, Rule))
    yield from (f"text that matches {pattern}" for pattern in patterns if pattern is not None)


def _parts(metadata: object) -> Iterable[object]:
    return getattr(metadata, "metadata", None) or [metadata]
