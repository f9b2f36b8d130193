"""Stack files as they lie on disk, for evaluations without the engine."""

from __future__ import annotations

import json
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from archesai_infra.credentials import Credential
from archesai_infra.stack.config import PROJECT, ConfigError, RawConfig


def stacks(directory: Path) -> list[str]:
    """Names of the stacks that have a file, in order."""
    return sorted(path.name.split(".")[1] for path in directory.glob("Pulumi.*.yaml"))


def read(directory: Path, stack: str) -> RawConfig:
    """The configuration of a stack as the engine would hand it over, but for secret values, which stay encrypted.

    Raises ConfigError for a missing or broken file.
    """
    name = f"Pulumi.{stack}.yaml"
    path = directory / name
    if not path.is_file():
        known = ", ".join(stacks(directory)) or "none"
        raise ConfigError(name, [f"no such stack file; stacks here: {known}. To make one: pulumi stack init {stack}"])
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ConfigError(name, [_broken(error)]) from None
    except UnicodeDecodeError as error:
        raise ConfigError(name, [f"byte {error.start + 1}: must be UTF-8 text"]) from None
    if not isinstance(document, dict | None):
        raise ConfigError(name, [f"must be an object with the key config, as in: config: {{{PROJECT}:environment: …}}"])
    config = (document or {}).get("config")
    if not isinstance(config, dict | None):
        raise ConfigError(name, [f"config: must be an object of keys such as {PROJECT}:environment"])
    if foreign := _foreign(config or {}):
        raise ConfigError(name, foreign)
    return _raw(stack, config or {})


def _foreign(config: dict[Any, Any]) -> list[str]:
    """Keys that are meant to be ours and are not: what they set would be ignored in silence."""
    reasons: list[str] = []
    for key in map(str, config):
        namespace, colon, own = key.partition(":")
        if not colon:
            reasons.append(f"config.{key}: keys begin with the project's name: {PROJECT}:{key}")
        elif namespace != PROJECT and get_close_matches(namespace, [PROJECT], cutoff=0.6):
            reasons.append(f"config.{key}: unknown namespace {namespace}; did you mean {PROJECT}:{own}?")
    return reasons


def _broken(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "it cannot be read"
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
    return f"{where}broken YAML: {problem}"


def _raw(stack: str, config: dict[Any, Any]) -> RawConfig:
    prefix = f"{PROJECT}:"
    values: dict[str, str] = {}
    secret: set[str] = set()
    for key, value in config.items():
        if not isinstance(key, str) or not key.startswith(prefix):
            continue
        own = key.removeprefix(prefix)
        values[own] = _text(own, value)
        if _has_secret(value):
            secret.add(own)
    return RawConfig(stack, values, frozenset(secret))


def _text(key: str, value: Any) -> str:  # noqa: ANN401 - any YAML
    if key == Credential.API_SECRET_SETTINGS and _has_secret(value):
        return "{}"
    if isinstance(value, dict) and set(value) == {"secure"}:
        return f"configured:{key}"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list):
        return json.dumps(_without_secrets(value), default=str)
    return "" if value is None else str(value)


def _without_secrets(value: Any) -> Any:  # noqa: ANN401 - any YAML
    if isinstance(value, dict):
        return "configured" if set(value) == {"secure"} else {str(k): _without_secrets(v) for k, v in value.items()}
    return [_without_secrets(item) for item in value] if isinstance(value, list) else value


def _has_secret(value: Any) -> bool:  # noqa: ANN401 - any YAML
    if isinstance(value, dict):
        return set(value) == {"secure"} or any(_has_secret(item) for item in value.values())
    return isinstance(value, list) and any(_has_secret(item) for item in value)
