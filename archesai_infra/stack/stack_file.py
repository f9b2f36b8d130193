"""Stack files on disk, for evaluations without the engine, and the checks that the engine does not make."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import pulumi

from archesai_infra.credentials import Credential
from archesai_infra.stack.config import PROJECT, ConfigError, RawConfig, stack_name
from archesai_infra.stack.mistakes import dotted
from archesai_infra.stack.strict_yaml import Document, Place, Problem, UnreadableError, parse

_SECTIONS = ("config", "encryptionsalt", "secretsprovider", "encryptedkey")
"""Top-level keys of a stack file that have a meaning here."""
_PROVIDER_KEYS = {
    "context": f"set {PROJECT}:cluster: {{context: …}}",
    "kubeconfig": f"set {PROJECT}:cluster: {{kubeconfig: …}}",
    "namespace": f"set {PROJECT}:namespace",
}
"""Keys of the Kubernetes provider that a user may expect to work, and what works instead."""


def stacks(directory: Path) -> list[str]:
    """Names of the stacks that have a file, in order."""
    return sorted(path.name.split(".")[1] for path in directory.glob("Pulumi.*.yaml") if path.is_file())


def check_name(directory: Path, stack: str) -> None:
    """Raise ConfigError for a name that no stack can have, before the name becomes a path."""
    if reasons := stack_name(stack):
        known = stacks(directory)
        near = get_close_matches(stack.lower(), known, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        listed = ", ".join(known) or "none"
        raise ConfigError(f"stack {stack!r}", [f"{reason}; stacks here: {listed}{hint}" for reason in reasons])


def read(directory: Path, stack: str) -> RawConfig:
    """The configuration of a stack as the engine would hand it over, but for secret values, which stay encrypted.

    Raises ConfigError for an impossible name, a missing or broken file, and values that the engine would read
    differently.
    """
    check_name(directory, stack)
    name = f"Pulumi.{stack}.yaml"
    path = directory / name
    if not path.is_file():
        raise ConfigError(name, [_missing(directory, stack)])
    try:
        document = parse(path.read_text(encoding="utf-8-sig"))
    except UnreadableError as error:
        raise ConfigError(name, [str(error)]) from None
    except UnicodeDecodeError as error:
        raise ConfigError(name, [f"byte {error.start + 1}: must be UTF-8 text"]) from None
    places = dict(_places(document))
    if problems := list(_problems(document)):
        places |= {key: problem.place for key, problem in problems if problem.structural or key not in places}
        raise ConfigError(name, [f"{key}: {problem.message}" for key, problem in problems], places)
    if reasons := [*_project(directory), *_structure(document.value), *_decimals(document)]:
        raise ConfigError(name, reasons, places)
    return _raw(stack, (document.value or {}).get("config") or {}, places)


def from_engine() -> RawConfig:
    """The configuration of the stack that the engine runs.

    Raises ConfigError for what is wrong in its stack file, as an evaluation without the engine would: the engine hands
    over numbers, not what was written.
    """
    prefix = f"{PROJECT}:"
    stack, values = pulumi.get_stack(), pulumi.runtime.config.get_config_env()
    own = {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)}
    if reasons := [ineffective(key) for key in sorted(values) if key.startswith("kubernetes:")]:
        raise ConfigError(f"Pulumi.{stack}.yaml", reasons)
    secret = frozenset(key for key in own if pulumi.runtime.is_config_secret(prefix + key))
    has_file = (Path.cwd() / f"Pulumi.{stack}.yaml").is_file()
    return RawConfig(stack, own, secret, read(Path.cwd(), stack).places if has_file else {})


def _missing(directory: Path, stack: str) -> str:
    known = stacks(directory)
    near = get_close_matches(stack, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"to add one: arches init {stack}"
    return f"no such stack file; stacks here: {', '.join(known) or 'none'}; {hint}"


def _key(path: tuple[str | int, ...]) -> str:
    """A path in the document as the user names the key: without `config` and the project's name."""
    if path[:1] == ("config",) and len(path) > 1 and str(path[1]).startswith(f"{PROJECT}:"):
        return dotted([str(path[1]).removeprefix(f"{PROJECT}:"), *path[2:]])
    return dotted(path) or "the file"


def _places(document: Document) -> Iterator[tuple[str, Place]]:
    return ((_key(path), place) for path, place in document.places.items() if path)


def _problems(document: Document) -> Iterator[tuple[str, Problem]]:
    """What is wrong with the document; how other programs' values are written is not this program's business."""
    for problem in document.problems:
        own = problem.path[:1] == ("config",) and str(problem.path[1:2]).find(f"{PROJECT}:") > 0
        if problem.structural or own:
            yield _key(problem.path), problem


def _structure(document: object) -> Iterator[str]:
    """What is wrong with the sections of a file and the names of its keys."""
    if not isinstance(document, dict | None):
        yield f"must be an object with the key config, as in: config: {{{PROJECT}:environment: …}}"
        return
    sections: Mapping[str, Any] = document or {}
    for section in sections:
        if section == "environment":
            yield (
                "environment: Pulumi ESC environments are not supported: previews without the engine, `render` and "
                "pull requests cannot read them; write the keys below config, and name existing Secrets for secrets"
            )
        elif section not in _SECTIONS:
            near = get_close_matches(section, _SECTIONS, n=1)
            yield f"{section}: unknown key" + (f"; did you mean {near[0]}?" if near else "; settings go below config")
    config: object = sections.get("config")
    if isinstance(config, dict):
        yield from _names(map(str, config))
    elif config is not None:
        yield f"config: must be an object of keys such as {PROJECT}:environment"


def _decimals(document: Document) -> Iterator[str]:
    """Top-level values are text to the engine, and a decimal number has lost its zeros before."""
    config: Any = document.value.get("config") if isinstance(document.value, dict) else None
    for name, value in config.items() if isinstance(config, dict) else ():
        if isinstance(value, float) and name.startswith(f"{PROJECT}:"):
            path = ("config", name)
            yield f'{_key(path)}: is a number to YAML: write it in quotes: "{document.places[path].text}"'


def _project(directory: Path) -> Iterator[str]:
    name = project_name(directory)
    if name not in (None, PROJECT):
        yield f"Pulumi.yaml: name must be {PROJECT}, by which the engine finds the keys (now {name})"


def _names(keys: Iterator[str]) -> Iterator[str]:
    """Keys that are meant for this program or its provider and would have no effect."""
    for key in keys:
        namespace, colon, name = key.partition(":")
        if not colon:
            yield f"config.{key}: keys begin with the project's name: {PROJECT}:{key}"
        elif namespace == "kubernetes":
            yield ineffective(key)
        elif namespace != PROJECT and get_close_matches(namespace, [PROJECT], cutoff=0.6):
            yield f"config.{key}: unknown namespace {namespace}; did you mean {PROJECT}:{name}?"


def ineffective(key: str) -> str:
    """Why a key of the Kubernetes provider does nothing, and what does: the program configures its providers."""
    instead = _PROVIDER_KEYS.get(key.partition(":")[2])
    return f"config.{key}: has no effect here: remove it" + (f" and {instead}" if instead else "")


def project_name(directory: Path) -> str | None:
    """The name in Pulumi.yaml, by which the engine finds a project's keys; None where there is no such file."""
    path = directory / "Pulumi.yaml"
    # The name is ASCII; whatever else the file holds is for the engine to judge.
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    match = re.search(r"""^name:\s*["']?([^\s"'#]+)""", text, re.MULTILINE)
    return match[1] if match else None


def _raw(stack: str, config: Mapping[str, Any], places: Mapping[str, Place]) -> RawConfig:
    prefix = f"{PROJECT}:"
    values: dict[str, str] = {}
    secret: set[str] = set()
    for key, value in config.items():
        if not key.startswith(prefix):
            continue
        own = key.removeprefix(prefix)
        values[own] = _text(own, value)
        if _has_secret(value):
            secret.add(own)
    return RawConfig(stack, values, frozenset(secret), places)


def _text(key: str, value: Any) -> str:  # noqa: ANN401 - any YAML
    if key == Credential.API_SECRET_SETTINGS and _has_secret(value):
        return "{}"
    if isinstance(value, dict) and set(value) == {"secure"}:
        return f"configured:{key}"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list):
        return json.dumps(_without_secrets(value))
    return "" if value is None else str(value)


def _without_secrets(value: Any) -> Any:  # noqa: ANN401 - any YAML
    if isinstance(value, dict):
        return "configured" if set(value) == {"secure"} else {k: _without_secrets(v) for k, v in value.items()}
    return [_without_secrets(item) for item in value] if isinstance(value, list) else value


def _has_secret(value: Any) -> bool:  # noqa: ANN401 - any YAML
    if isinstance(value, dict):
        return set(value) == {"secure"} or any(_has_secret(item) for item in value.values())
    return isinstance(value, list) and any(_has_secret(item) for item in value)
