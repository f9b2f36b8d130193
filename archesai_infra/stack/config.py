"""The only reader of stack configuration: raw keys in, Settings and Credentials out, every error at once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pulumi
from pydantic import TypeAdapter, ValidationError

from archesai_infra.credentials import Credential, Credentials
from archesai_infra.stack.explain import fields
from archesai_infra.stack.mistakes import describe, group_wanted, groups
from archesai_infra.stack.rules import contested, problems
from archesai_infra.stack.settings import Settings
from archesai_infra.stack.strict_yaml import Place
from archesai_infra.types import DottedPath

PROJECT: Final = "archesai"
"""Name of the Pulumi project, and so the namespace of its configuration keys."""

_STACK_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?")


class ConfigError(Exception):
    """The stack's configuration cannot be used; one line for every reason."""

    def __init__(self, source: str, reasons: Iterable[str], places: Mapping[str, Place] | None = None) -> None:
        """`reasons` begin with the key; where `places` has it or a key above it, line and column follow the source."""
        self.reasons = [f"{source}{_position(reason, places or {})}: {reason}" for reason in reasons]
        super().__init__("\n".join(self.reasons))


def _position(reason: str, places: Mapping[str, Place]) -> str:
    """`:line:column` of the key at the beginning of a reason, or of the nearest key above that the file has."""
    key = reason.partition(": ")[0].removeprefix("config.")
    while key and key not in places:
        key = key[: max(key.rfind("."), key.rfind("["), 0)]
    return f":{places[key].line}:{places[key].column}" if key else ""


@dataclass(frozen=True)
class RawConfig:
    """The configuration of a stack as Pulumi hands it over: text, or JSON of a structured value."""

    stack: str
    values: Mapping[str, str]
    """Values by key, without the project's name."""
    secret_keys: frozenset[str] = frozenset()
    """Keys that are secret, or hold a secret somewhere inside."""
    places: Mapping[str, Place] = field(default_factory=dict[str, Place])
    """Where the stack file has each key, by its dotted path; empty for what comes from no file."""


def load(raw: RawConfig) -> tuple[Settings, Credentials]:
    """Settings and credentials of a stack; raises ConfigError with all that is wrong."""
    source = f"Pulumi.{raw.stack}.yaml"
    given = {key: raw.values[key] for key in Credential if key in raw.values}
    misplaced = _misplaced_secrets(raw)
    reasons = [*stack_name(raw.stack), *misplaced.values(), *_unencrypted(raw)]
    secret_settings, unreadable = _secret_settings(given.pop(Credential.API_SECRET_SETTINGS, None))
    reasons += unreadable
    plain = {key: value for key, value in raw.values.items() if key not in set(Credential)}
    decoded, undecodable = _decode(plain)
    reasons += undecodable
    try:
        settings = Settings.model_validate(decoded)
    except ValidationError as error:
        # A message about a key that holds a secret would show that secret's value.
        wrong = [describe(one, raw.places) for one in error.errors() if one["loc"][0] not in misplaced]
        raise ConfigError(source, sorted({*reasons, *wrong}), raw.places) from None
    if not misplaced:
        reasons += problems(settings, given)
    reasons += contested(settings, secret_settings)
    if reasons:
        raise ConfigError(source, reasons, raw.places)
    values = {Credential(key): pulumi.Output.secret(value) for key, value in given.items()}
    return settings, Credentials(values, {path: pulumi.Output.secret(v) for path, v in secret_settings.items()})


def stack_name(stack: str) -> list[str]:
    """What is wrong with a stack's name, which becomes a label and part of object names; empty for a valid one."""
    if _STACK_NAME.fullmatch(stack):
        return []
    return ["the stack's name must be lower-case letters, digits and '-', at most 40 characters"]


def _misplaced_secrets(raw: RawConfig) -> dict[str, str]:
    """Settings that are secret or hold a secret, and what to do about it; unknown keys are another mistake."""
    reasons: dict[str, str] = {}
    for key in sorted(raw.secret_keys & fields(Settings).keys()):
        if not groups(key):
            reasons[key] = f"{key}: is not a secret but is stored as one: arches config set {key} <value>"
            continue
        own = [credential for credential in Credential if credential.startswith(key)] or list(Credential)
        reasons[key] = (
            f"{key}: holds a secret inside, which the state would keep in plain text: "
            f"secrets are keys of their own: arches config set {' or '.join(own)}"
        )
    return reasons


def _unencrypted(raw: RawConfig) -> list[str]:
    return [
        f"{key}: is stored in plain text: arches config set {key}"
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


def _decode(values: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """Structured values from their JSON; plain ones stay text, so that `080` keeps its zero."""
    decoded: dict[str, Any] = {}
    reasons: list[str] = []
    for key, value in values.items():
        if not groups(key):
            decoded[key] = value
            continue
        try:
            decoded[key] = json.loads(value)
        except json.JSONDecodeError:
            reasons.append(f"{key}: {group_wanted(key)}")
    return decoded, reasons
