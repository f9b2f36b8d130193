"""Secret values are in Secrets, and nowhere else."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from urllib.parse import quote

import yaml

from archesai_infra.stack.evaluate import Resource
from testbed.invariants.view import RUNNERS, Check, Object, Rendered, containers, strings, title

STASH = "pulumi:index:Stash"
HOLDERS = ("kubernetes:core/v1:Secret", STASH)
"""The resources whose values are encrypted in the state."""
WELL_KNOWN = {"admin", "changeme", "minioadmin", "password", "postgres", "prom-operator", "secret"}
_SECRET_NAME = re.compile(r"password|passwd|secret|token|credential|(access|api|auth|private)_?key|jwt", re.IGNORECASE)
_LOGIN_IN_URL = re.compile(r"://[^/\s:@]*:[^/\s@]+@")


def _values(rendered: Rendered) -> set[str]:
    """Every secret value of the stack, as long as the evaluation reveals them."""
    found: set[str] = set()
    for resource in rendered.resources:
        if resource.type == HOLDERS[0]:
            data = resource.inputs.get("stringData", {})
            # That of kubernetes.io/basic-auth, a public name beside its password.
            found |= {value for key, value in data.items() if isinstance(value, str) and key != "username"}
        elif resource.type == STASH:
            found |= set(strings(list(resource.inputs.values())))
    return {value for value in found if len(value) >= 8}


def _forms(value: str) -> set[str]:
    return {value, b64encode(value.encode()).decode(), quote(value, safe="")}


def secret_values_stay_in_secrets(rendered: Rendered) -> Iterator[str]:
    """Not in an object, a chart's values, a provider or an output: raw, in base64 or escaped for a URL."""
    forbidden = set[str]().union(*map(_forms, _values(rendered)))
    for item in rendered.objects:
        if item["kind"] != "Secret":
            yield from (f"{title(item)}: holds a secret value" for _ in _found(forbidden, item))
    for resource in rendered.resources:
        if not resource.is_object and resource.type not in HOLDERS:
            outside = _without_secrets(resource)
            yield from (f"{resource.type} {resource.name}: holds a secret value" for _ in _found(forbidden, outside))
    yield from ("outputs: hold a secret value" for _ in _found(forbidden, rendered.outputs))


def _without_secrets(resource: Resource) -> object:
    """Inputs but for the parts that travel as secrets: a chart's values may hold some."""

    def at(value: object, path: str) -> object:
        if path in resource.secret_paths:
            return None
        if isinstance(value, dict):
            return {key: at(item, f"{path}.{key}".lstrip(".")) for key, item in value.items()}
        return [at(item, path) for item in value] if isinstance(value, list) else value

    return at(dict(resource.inputs), "")


def _found(forbidden: set[str], value: object) -> list[str]:
    texts = list(strings(value))
    return [secret for secret in sorted(forbidden) if any(secret in text for text in texts)]


def secret_values_travel_as_secrets(rendered: Rendered) -> Iterator[str]:
    """What the engine does not know to be secret is in plain text in its state."""
    for resource in rendered.resources:
        field = {HOLDERS[0]: "stringData", STASH: "input"}.get(resource.type)
        if field is None or field in resource.secret_paths or field not in resource.inputs:
            continue
        inside = resource.inputs[field]
        open_keys = (
            [key for key in inside if f"{field}.{key}" not in resource.secret_paths] if field != "input" else [""]
        )
        for key in open_keys:
            yield f"{resource.type.rpartition(':')[2]} {resource.name}: {key or field} is in plain text in the state"


def no_literal_looks_like_a_password(rendered: Rendered) -> Iterator[str]:
    """Environment, arguments and ConfigMaps name where a secret is, never what it is."""
    for item in rendered.kinds(*RUNNERS):
        for container in containers(item):
            yield from (f"{title(item)}: {finding}" for finding in _literals(container))
    for item in rendered.kinds("ConfigMap"):
        for name, text in item["data"].items():
            if _LOGIN_IN_URL.search(text):
                yield f"{title(item)}: {name} has a URL with a password"
            if name.endswith((".yaml", ".yml")):
                yield from (
                    f"{title(item)}: {path} has its value in plain text" for path in _named(yaml.safe_load(text))
                )


def _literals(container: Object) -> Iterator[str]:
    for variable in container.get("env", []):
        named = _SECRET_NAME.search(variable["name"]) and not variable["name"].endswith("_FILE")
        if named and variable.get("value"):
            yield f"variable {variable['name']} has its value in plain text"
    for text in strings([container.get(place, []) for place in ("env", "command", "args")]):
        if _LOGIN_IN_URL.search(text):
            yield f"container {container['name']} gets a URL with a password"


def _named(config: object, prefix: str = "") -> Iterator[str]:
    if isinstance(config, dict):
        for key, value in config.items():
            yield from _named(value, f"{prefix}{key}.")
    elif isinstance(config, str) and config and _SECRET_NAME.search(prefix.split(".")[-2]):
        yield prefix.removesuffix(".")


def no_password_is_well_known(rendered: Rendered) -> Iterator[str]:
    """Nothing starts with the password that everyone tries first."""
    for item in rendered.kinds("Secret"):
        for key, value in item.get("stringData", {}).items():
            # A user may be called admin; nobody gets in by that.
            if value in WELL_KNOWN and not key.endswith(("-user", "username")):
                yield f"{title(item)}: {key} is a well-known password"


CHECKS: tuple[Check, ...] = (
    secret_values_stay_in_secrets,
    secret_values_travel_as_secrets,
    no_literal_looks_like_a_password,
    no_password_is_well_known,
)
