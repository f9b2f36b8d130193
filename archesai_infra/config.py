"""The only reader of stack configuration: raw keys in, Settings and Credentials out, every error at once."""

from __future__ import annotations

import json
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, get_args

import pulumi
from pydantic import BaseModel, TypeAdapter, ValidationError

from archesai_infra.credentials import Credential, Credentials
from archesai_infra.settings import Settings, problems
from archesai_infra.types import DottedPath

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic_core import ErrorDetails

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
    reasons = [*_misplaced_secrets(raw), *_unencrypted(raw)]
    secret_settings, unreadable = _secret_settings(given.pop(Credential.API_SECRET_SETTINGS, None))
    reasons += unreadable
    plain = {key: value for key, value in raw.values.items() if key not in set(Credential)}
    decoded, undecodable = _decode(plain)
    reasons += undecodable
    try:
        settings = Settings.model_validate(decoded)
    except ValidationError as error:
        raise ConfigError(source, sorted({*reasons, *map(_describe, error.errors())})) from None
    reasons += problems(settings, given)
    reasons += [f"apiSecretSettings: {path} is also in api.settings" for path in _twice(settings, secret_settings)]
    if reasons:
        raise ConfigError(source, reasons)
    values = {Credential(key): pulumi.Output.secret(value) for key, value in given.items()}
    return settings, Credentials(values, {path: pulumi.Output.secret(v) for path, v in secret_settings.items()})


def _misplaced_secrets(raw: RawConfig) -> list[str]:
    known = set(Credential)
    return [
        f"{key}: holds a secret inside, which would end in clear in the state: "
        f"secrets are keys of their own, such as {_SECRET_HOW} databasePassword"
        for key in sorted(raw.secret_keys - known)
    ]


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


def _twice(settings: Settings, secret_settings: Mapping[str, str]) -> list[str]:
    from archesai_infra.components.api import OWNED, flatten

    taken = {*flatten(settings.api.settings), *settings.api.secret_settings, *OWNED}
    return sorted(taken & set(secret_settings))


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
            reasons.append(f"{key}: must be an object, such as `pulumi config set --path {key}.enabled true`")
    return decoded, reasons


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _models(annotation: Any) -> list[type[BaseModel]]:  # noqa: ANN401 - any type annotation
    """The models that an annotation allows, through unions, containers and Annotated."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models(argument)]


_TAGS = {"managed", "external"}


def _path(location: Iterable[int | str]) -> list[str]:
    """A location without the tags that tell the forms of a data module apart."""
    parts = list(location)
    return [str(part) for index, part in enumerate(parts) if not (index == 1 and part in _TAGS)]


def _describe(error: ErrorDetails) -> str:
    path = _path(error["loc"])
    key = ".".join(path)
    if error["type"] == "extra_forbidden":
        near = get_close_matches(path[-1], _names(path[:-1]), n=1, cutoff=0.5)
        return f"{key}: unknown key" + (f"; did you mean {'.'.join([*path[:-1], near[0]])}?" if near else "")
    if error["type"] == "missing":
        return f"{key}: is required" + _allowed(path)
    return f"{key}: {_wrong(error)}{_got(error)}"


def _names(path: list[str]) -> list[str]:
    """Valid keys at a place; at the top, the credentials too."""
    models: list[type[BaseModel]] = [Settings]
    for part in path:
        models = [
            found
            for model in models
            for name, field in _fields(model).items()
            if name == part
            for found in _models(field)
        ] or models
    names = [name for model in models for name in _fields(model)]
    return names if path else [*names, *Credential]


def _allowed(path: list[str]) -> str:
    return ": set it to development or production" if path == ["environment"] else ""


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
    if error["type"] == "literal_error":
        return "must be " + str(context["expected"]).replace("'", "")
    return _WORDS.get(error["type"], error["msg"]).format(**context)


def _got(error: ErrorDetails) -> str:
    value = error.get("input")
    return f" (got {value})" if isinstance(value, str | int | float | bool) else ""
