"""Stacks for tests: the shipped files and configurations made on the spot, evaluated as the program would."""

from __future__ import annotations

import json
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from archesai_infra.credentials import Credential
from archesai_infra.stack.config import RawConfig
from archesai_infra.stack.evaluate import Evaluation, evaluate
from archesai_infra.stack.stack_file import read

ROOT = Path(__file__).parent.parent

Config = dict[str, Any]
"""Configuration as in a stack file, without the project's name: `{"redis": {"enabled": True}}`."""

DEVELOPMENT: Config = {"environment": "development"}
ALONE: Config = {"api": {"enabled": False}, "platform": {"enabled": False}, "database": {"enabled": False}}
"""For stacks with one module only: what development has switched on, switched off."""


def raw(config: Config, stack: str = "dev") -> RawConfig:
    """A configuration as the engine hands it over; credentials count as secret."""
    values = {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
    return RawConfig(stack, values, frozenset(key for key in config if key in set(Credential)))


def render(config: Config | None = None, stack: str = "dev", *, reveal: bool = False) -> Evaluation:
    """The development stack with some keys set or replaced; evaluated once, so it must not be changed."""
    return _evaluated(json.dumps(DEVELOPMENT | (config or {})), stack, reveal)


@cache
def _evaluated(config: str, stack: str, reveal: bool) -> Evaluation:  # noqa: FBT001 - a cache takes no keywords apart
    return evaluate(raw(json.loads(config), stack), reveal=reveal, application=True)


@cache
def shipped(stack: str, *, reveal: bool = False) -> Evaluation:
    """A stack file of the repository, evaluated once."""
    return evaluate(read(ROOT, stack), reveal=reveal)


def shipped_config(stack: str) -> Config:
    """The plain configuration of a stack file of the repository, for tests that change some of it."""
    document = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))
    return {key.partition(":")[2]: value for key, value in document["config"].items()}


def find(evaluation: Evaluation, kind: str, name: str) -> dict[str, Any]:
    """A copy of the one object of a kind and name; raises LookupError with the names there are."""
    of_kind = {item["metadata"]["name"]: item for item in evaluation.objects if item["kind"] == kind}
    if name not in of_kind:
        raise LookupError(f"no {kind} {name}; there are {sorted(of_kind)}")
    return deepcopy(of_kind[name])


def names(evaluation: Evaluation) -> set[str]:
    """Logical names of all resources, as `Type name`."""
    return {f"{resource.type.rpartition(':')[2]} {resource.name}" for resource in evaluation.resources}
