"""Credentials where everybody reads them: variables, arguments, ConfigMaps, annotations and values of charts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import yaml

from .objects import Object, containers

NAMES = re.compile(
    r"(pass(word|wd|phrase)?|secret|token|credentials?|(api|access|private|secret|account|encryption)[-_]?key"
    r"|database[-_]?url|dsn|connection[-_]?string)$",
    re.IGNORECASE,
)
"""Ends of names whose value is a credential."""
OBJECTS = re.compile(r"(existing|config|pull|tls|mounted)[-_]?secret$", re.IGNORECASE)
"""Ends of names whose value is the name of a Secret."""
NO_VALUE = re.compile(
    r"^(\$|/|file:|env:|vault:|true$|false$|none$|null$|optional$|required$|disabled$|\d{0,3}$|<.*>$|\*+$)",
    re.IGNORECASE,
)
"""Values that are none: references, paths, switches, numbers and masks."""
SHAPES = (
    ("a URL with a password", re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/:@$'\"]*:[^\s/@$'\"{}*]+@", re.IGNORECASE)),
    ("a private key", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")),
    ("a key of AWS", re.compile(r"\b(AKIA|ASIA)[0-9A-Z]{16}\b")),
    ("a token of GitHub", re.compile(r"\b(gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,})")),
    ("a token of GitLab", re.compile(r"\bglpat-[A-Za-z0-9_-]{20,}")),
    ("a token of Slack", re.compile(r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}|hooks\.slack\.com/services/T\w+/B\w+/\w+")),
    ("a key of a model's provider", re.compile(r"\bsk-[A-Za-z0-9_-]{20,}")),
    ("a JSON web token", re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}")),
)
"""What credentials look like, whatever the name says."""
ARGUMENT = re.compile(r"^--?([A-Za-z0-9._-]+)=(.+)$")


def no_secret_in_clear(item: Object) -> Iterator[str]:
    """Secrets reach pods by reference; in a variable, an argument or a ConfigMap everybody reads them."""
    for container in containers(item):
        yield from (f"container {container.get('name')} has {what}" for what in _container(container))
    if item.get("kind") == "ConfigMap":
        for key, text in (item.get("data") or {}).items():
            yield from (f"has {what}: use a Secret" for what in _entry(str(key), text))
    if item.get("kind") == "Release":
        yield from (f"has {what} among its values: use a Secret" for what in _leaves(item.get("values"), ""))
    for key, text in ((item.get("metadata") or {}).get("annotations") or {}).items():
        yield from (f"has {what} in annotation {key}" for what in _shapes(text))


def _container(container: Object) -> Iterator[str]:
    for variable in container.get("env") or []:
        name, value = str(variable.get("name", "")), variable.get("value")
        if _is_credential(name, value):
            yield f"{name} in plain text: use secretKeyRef"
        else:
            yield from (f"{what} in {name}: use secretKeyRef" for what in _shapes(value))
    for argument in [*(container.get("command") or []), *(container.get("args") or [])]:
        found = ARGUMENT.match(str(argument))
        if found and _is_credential(found[1], found[2]):
            yield f"argument --{found[1]} in plain text: use a file"
        else:
            yield from (f"{what} among its arguments: use a file" for what in _shapes(argument))


def _is_credential(name: str, value: object) -> bool:
    """Whether a name and its value are a credential; the name of a file or of a Secret is not."""
    named = NAMES.search(name) and not OBJECTS.search(name)
    return isinstance(value, str) and bool(named) and not NO_VALUE.match(value.strip())


def _shapes(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield from (what for what, shape in SHAPES if shape.search(value))


def _entry(key: str, text: object) -> Iterator[str]:
    """An entry of a ConfigMap: a value, or a file in which others are."""
    if _is_credential(key, text):
        yield f"{key} in plain text"
        return
    found = list(_leaves(_parsed(key, text), ""))
    yield from (f"{what} in {key}" for what in found or _shapes(text))


def _parsed(key: str, text: object) -> object:
    """The content of a YAML or JSON file; None for one of another kind."""
    if not isinstance(text, str) or not key.endswith((".yaml", ".yml", ".json")):
        return None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return None


def _leaves(value: object, name: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, name)
    elif _is_credential(name.rpartition(".")[2], value):
        yield f"{name} in plain text"
    else:
        yield from (f"{what} at {name}" for what in _shapes(value))
