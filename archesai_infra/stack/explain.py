"""Every key a stack file can have, told from the settings models: type, default, what is allowed, what it means."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, get_args, get_origin

from annotated_types import Ge, Le, MinLen
from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from archesai_infra.credentials import DESCRIPTIONS
from archesai_infra.stack.descriptions import descriptions

_IMPOSSIBLE = "\0"
"""No text rule accepts it: what a rule says of it is the rule."""


@dataclass(frozen=True)
class Key:
    """A key as a user reads about it."""

    path: str
    """Dotted, as in `pulumi config set --path`."""
    type: str
    default: object
    """JSON; None where there is none."""
    required: bool
    description: str
    allowed: str = ""
    """What a value must be, in words; empty where the type says it all."""
    form: str = ""
    """The mode of a data module that has the key; empty where every form has it."""
    group: bool = False
    """Whether other keys lie below it."""
    secret: bool = False


def keys(model: type[BaseModel]) -> list[Key]:
    """All keys of a model and below it, in the order of the model; then the secret ones."""
    found = list(_keys(model, "", "", None))
    secrets = [
        Key(str(name), "secret text", None, required=False, description=text, secret=True)
        for name, text in DESCRIPTIONS.items()
    ]
    return [*_without_repetition(found), *secrets]


def _without_repetition(found: list[Key]) -> list[Key]:
    """A key that all forms of its module have alike is told once, and not as a form's own."""
    forms: dict[str, set[str]] = defaultdict(set)
    versions: dict[str, list[Key]] = defaultdict(list)
    for key in found:
        forms[_module(key)].add(key.form)
        versions[key.path].append(key)
    told: dict[tuple[str, str], Key] = {}
    for key in found:
        alike = {str(replace(version, form="")) for version in versions[key.path]}
        everywhere = len(alike) == 1 and len(versions[key.path]) == len(forms[_module(key)] - {""})
        kept = replace(key, form="") if everywhere else key
        told.setdefault((kept.path, kept.form), kept)
    return list(told.values())


def _module(key: Key) -> str:
    return key.path.partition(".")[0]


def _keys(model: type[BaseModel], prefix: str, form: str, given: BaseModel | None) -> Iterator[Key]:
    """Keys of a model; `given` is what the model above sets for it where nothing is said."""
    texts = descriptions(model)
    for name, field in model.model_fields.items():
        path = f"{prefix}{field.alias or name}"
        default: object = getattr(given, name) if given is not None else _default(field)
        models = _models(field.annotation)
        required = given is None and field.is_required()
        yield _key(path, field, default, form, texts.get(name, ""), required=required)
        for inner in models:
            own = _mode(inner) if len(models) > 1 else form
            yield from _keys(inner, f"{path}.", own, default if isinstance(default, inner) else None)


def _key(path: str, field: FieldInfo, default: object, form: str, description: str, *, required: bool) -> Key:
    whole: Any = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    group = bool(_models(field.annotation))
    return Key(
        path=path,
        type="group" if group else type_name(whole),
        default=None if group else TypeAdapter[object](Any).dump_python(default, mode="json"),
        required=required,
        description=description,
        allowed="" if group else ", or ".join(dict.fromkeys(_rules(whole))),
        form=form,
        group=group,
    )


def _default(field: FieldInfo) -> object:
    value: object = field.get_default(call_default_factory=True, validated_data={})
    return None if value is PydanticUndefined else value


def _models(annotation: object) -> list[type[BaseModel]]:
    """Models right below a key; those inside a list or a mapping are values, not keys."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (tuple, list, dict, Literal):
        return []
    return [model for argument in get_args(annotation) for model in _models(argument)]


def _mode(model: type[BaseModel]) -> str:
    mode = model.model_fields.get("mode")
    return str(get_args(mode.annotation)[0]) if mode is not None else ""


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
        names = [field.alias or name for name, field in annotation.model_fields.items()]
        return f"object with {', '.join(names)}"
    alternatives = arguments[:1] if origin is Annotated else arguments
    return " or ".join(dict.fromkeys(map(type_name, alternatives)))


def _rules(annotation: object) -> Iterator[str]:
    """What values must be, read from the validators themselves."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        yield "one of " + ", ".join(map(str, arguments))
    elif origin is Annotated:
        yield from _own_rules(annotation, arguments)
        yield from _rules(arguments[0])
    elif origin is dict:
        yield from (f"keys: {rule}" for rule in _rules(arguments[0]))
        yield from (f"values: {rule}" for rule in _rules(arguments[1]))
    elif origin is tuple:
        yield from (f"each: {rule}" for rule in _rules(arguments[0]))
    else:
        for argument in arguments:
            yield from _rules(argument)


def _own_rules(annotation: Any, arguments: tuple[Any, ...]) -> Iterator[str]:  # noqa: ANN401 - any type annotation
    bounds = [part for metadata in arguments[1:] for part in _parts(metadata)]
    low = next((part.ge for part in bounds if isinstance(part, Ge)), None)
    high = next((part.le for part in bounds if isinstance(part, Le)), None)
    if low is not None:
        yield f"{low} to {high}" if high is not None else f"at least {low}"
    yield from (f"at least {part.min_length} of them" for part in bounds if isinstance(part, MinLen))
    if type_name(arguments[0]) in ("text", "text or null"):
        yield from _text_rules(annotation)


def _parts(metadata: object) -> Iterable[object]:
    return getattr(metadata, "metadata", None) or [metadata]


def _text_rules(annotation: Any) -> Iterator[str]:  # noqa: ANN401 - any type annotation
    try:
        TypeAdapter[object](annotation).validate_python(_IMPOSSIBLE)
    except ValidationError as error:
        for problem in error.errors():
            context = problem.get("ctx", {})
            if "error" in context:
                yield str(context["error"]).removeprefix("must be ")
            elif "pattern" in context:
                yield f"text that matches {context['pattern']}"
