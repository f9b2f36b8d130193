"""The only reader of stack configuration: raw keys in, Settings and Credentials out, every error at once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, get_args

import pulumi
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from archesai_infra.components.api import OWNED, flatten
from archesai_infra.credentials import Credential, Credentials
from archesai_infra.stack.rules import problems
from archesai_infra.stack.settings import Settings
from archesai_infra.types import DottedPath

PROJECT = "archesai"
"""Name of the Pulumi project, and so the namespace of its configuration keys."""

_SECRET_HOW = "pulumi config set --secret"


class ConfigError(Exception):
    """The stack's configuration cannot be used; one line for every reason."""

    def __init__(self, source: str, reasons: Iterable[str]) -> None:
        self.reasons = [f"{source}: {reason}" for reason in reasons]
        super().__init__("\n".join(self.reasons))


@dataclass(frozen=True)
class RawConfig:
    """The configuration of a stack as Pulumi hands it over: text, or JSON of a structured value."""

    stack: str
    values: Mapping[str, str]
    """Values by key, without the project's name."""
    secret_keys: frozenset[str] = frozenset()
    """Keys that are secret, or hold a secret somewhere inside."""


def from_engine() -> RawConfig:
    """The configuration of the stack that the engine runs."""
    prefix = f"{PROJECT}:"
    values = pulumi.runtime.config.get_config_env()
    own = {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)}
    secret = frozenset(key for key in own if pulumi.runtime.is_config_secret(prefix + key))
    return RawConfig(pulumi.get_stack(), own, secret)


def load(raw: RawConfig) -> tuple[Settings, Credentials]:
    """Settings and credentials of a stack; raises ConfigError with all that is wrong."""
    source = f"Pulumi.{raw.stack}.yaml"
    given = {key: raw.values[key] for key in Credential if key in raw.values}
    misplaced = _misplaced_secrets(raw)
    reasons = [*misplaced.values(), *_unencrypted(raw)]
    secret_settings, unreadable = _secret_settings(given.pop(Credential.API_SECRET_SETTINGS, None))
    reasons += unreadable
    plain = {key: value for key, value in raw.values.items() if key not in set(Credential)}
    decoded, undecodable = _decode(plain)
    reasons += undecodable
    try:
        settings = Settings.model_validate(decoded)
    except ValidationError as error:
        # What else is wrong with a key that holds a secret would be said with that secret's value.
        said = [_describe(found) for found in error.errors() if found["loc"][0] not in misplaced]
        raise ConfigError(source, sorted({*reasons, *said})) from None
    if not misplaced:
        reasons += problems(settings, given)
    reasons += _contested(settings, secret_settings)
    if reasons:
        raise ConfigError(source, reasons)
    values = {Credential(key): pulumi.Output.secret(value) for key, value in given.items()}
    return settings, Credentials(values, {path: pulumi.Output.secret(v) for path, v in secret_settings.items()})


def _misplaced_secrets(raw: RawConfig) -> dict[str, str]:
    """Settings that are secret or hold a secret, and what to do about it; unknown keys are another mistake."""
    reasons: dict[str, str] = {}
    for key in sorted(raw.secret_keys & _fields(Settings).keys()):
        if not _models(_fields(Settings)[key]):
            reasons[key] = f"{key}: is stored as a secret and is none: pulumi config set {key} <value>"
            continue
        own = [credential for credential in Credential if credential.startswith(key)] or list(Credential)
        reasons[key] = (
            f"{key}: holds a secret inside, which would end in clear in the state: "
            f"secrets are keys of their own: {_SECRET_HOW} {' or '.join(own)}"
        )
    return reasons


def _unencrypted(raw: RawConfig) -> list[str]:
    return [
        f"{key}: stands in clear: {_SECRET_HOW} {key}"
        for key in Credential
        if key in raw.values and key not in raw.secret_keys
    ]


def _secret_settings(text: str | None) -> tuple[dict[str, str], list[str]]:
    if text is None:
        return {}, []
    try:
        return TypeAdapter(dict[DottedPath, str]).validate_json(text), []
    except ValidationError:
        return {}, [
            'apiSecretSettings: must be a JSON object of dotted path to text, such as {"auth.google.secret": "…"}'
        ]


def _contested(settings: Settings, secret_settings: Mapping[str, str]) -> list[str]:
    """Secret settings of the api that something else sets too."""
    plain, references = flatten(settings.api.settings), settings.api.secret_settings
    reasons: list[str] = []
    for path in sorted(secret_settings):
        if path in OWNED:
            reasons.append(f"apiSecretSettings: {path}: set by other settings of the stack; remove it here")
        elif path in plain or path in references:
            place = "settings" if path in plain else "secretSettings"
            reasons.append(f"apiSecretSettings: {path}: also in api.{place}; keep one of the two")
    return reasons


def _decode(values: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """Structured values from their JSON; plain ones stay text, so that `080` keeps its zero."""
    decoded: dict[str, Any] = {}
    reasons: list[str] = []
    for key, value in values.items():
        field = _fields(Settings).get(key)
        if field is None or not _models(field):
            decoded[key] = value
            continue
        try:
            decoded[key] = json.loads(value)
        except json.JSONDecodeError:
            reasons.append(f"{key}: {_object_wanted(key)}")
    return decoded, reasons


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _models(annotation: Any) -> list[type[BaseModel]]:  # noqa: ANN401 - any type annotation
    """The models that an annotation allows, through unions, containers and Annotated."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models(argument)]


_FORMS = ("managed", "external")


def _object_wanted(key: str) -> str:
    inside = {name for model in _models(_fields(Settings)[key]) for name in _fields(model)}
    example = "enabled true" if "enabled" in inside else f"{min(inside)} <value>"
    return f"must be an object: pulumi config set --path {key}.{example}"


def _located(location: tuple[int | str, ...]) -> tuple[list[int | str], str | None]:
    """A location without pydantic's own marks, and the form of the data module that it is in."""
    parts = [part for part in location if part != "[key]"]
    if len(parts) > 1 and parts[1] in _FORMS and len(_models(_fields(Settings).get(str(parts[0])))) > 1:
        return [parts[0], *parts[2:]], str(parts[1])
    return parts, None


def _dotted(path: Iterable[int | str]) -> str:
    """A place as `pulumi config set --path` takes it: `api.egress[0].cidr`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def _describe(error: ErrorDetails) -> str:
    path, form = _located(error["loc"])
    key = _dotted(path)
    if error["type"] == "extra_forbidden":
        return f"{key}: {_unknown(path, form)}"
    if error["type"] == "missing":
        return f"{key}: is required" + (": set it to development or production" if key == "environment" else "")
    if len(path) == 1 and error["type"] in ("model_type", "model_attributes_type"):
        return f"{key}: {_object_wanted(key)}{_got(error)}"
    return f"{key}: {_wrong(error)}{_got(error)}"


def _unknown(path: list[int | str], form: str | None) -> str:
    *parents, last = path
    first = str(last).partition(".")[0]
    if not parents and first != last and first in _fields(Settings):
        return f"unknown key; keys inside {first} need --path: pulumi config set --path {last} <value>"
    names = _names(parents, form)
    if form is not None and last in _names(parents, None):
        other = next(name for name in _FORMS if name != form)
        return f"only {parents[0]}.mode {other} takes this key: remove it, or change the mode (now {form})"
    near = get_close_matches(str(last), names, n=1, cutoff=0.5)
    if near:
        return f"unknown key; did you mean {_dotted([*parents, near[0]])}?"
    return f"unknown key; the keys here are {', '.join(sorted(names))}"


def _names(path: list[int | str], form: str | None) -> list[str]:
    """Valid keys at a place, in one form of a data module or in all of them; at the top, the credentials too."""
    models: list[type[BaseModel]] = [Settings]
    for depth, part in enumerate(path):
        inside = [
            _models(annotation) for model in models for name, annotation in _fields(model).items() if name == part
        ]
        # An index of a list or a key of a mapping leads to no other model.
        models = [model for found in inside for model in found] or models
        if depth == 0 and form is not None:
            models = [model for model in models if form in get_args(model.model_fields["mode"].annotation)]
    names = [name for model in models for name in _fields(model)]
    return names if path else [*names, *Credential]


_WORDS = {
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "string_type": "must be text",
    "string_pattern_mismatch": "must match {pattern}",
    "tuple_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "too_short": "must have at least {min_length} item",
    "value_error": "{error}",
}
"""Our words for pydantic's error types."""


def _wrong(error: ErrorDetails) -> str:
    context = error.get("ctx", {})
    if error["type"] == "literal_error" and "mode" in error["loc"] and _located(error["loc"])[1] is not None:
        return f"must be {' or '.join(_FORMS)}"
    if error["type"] == "literal_error":
        return "must be " + str(context["expected"]).replace("'", "")
    return _WORDS.get(error["type"], error["msg"]).format(**context)


def _got(error: ErrorDetails) -> str:
    value = error.get("input")
    if isinstance(value, bool):
        return f" (got {str(value).lower()})"
    return f" (got {value})" if isinstance(value, str | int | float) else ""
