"""Where secret values appear: in a text as they are, or as their base64."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from archesai_infra.stack.evaluate import MASK
from testbed.controlplane.rig import ControlPlane

_SHORTEST = 12
"""Anything shorter is no credential of ours and might stand anywhere by chance."""


def secret_values(state: Mapping[str, Any], given: Iterable[str]) -> set[str]:
    """Every credential of a stack: those given, and in a revealed state those stashed or kept in Secrets."""
    found = set(given)
    for resource in state["deployment"]["resources"]:
        kind = resource["type"]
        if kind == "pulumi:index:Stash":
            found.add(_plain(resource["outputs"]["output"]))
        elif kind == "kubernetes:core/v1:Secret":
            data: Mapping[str, Any] = _opened(resource["inputs"]["data"])
            found |= {b64decode(_plain(value)).decode() for value in data.values()}
    return {value for value in found if len(value) >= _SHORTEST and value != MASK}


def _opened(value: Any) -> Any:  # noqa: ANN401 - JSON
    """What a revealed state writes as `{"plaintext": "<json>"}`."""
    return json.loads(value["plaintext"]) if isinstance(value, dict) and "plaintext" in value else value


def _plain(value: Any) -> str:  # noqa: ANN401 - JSON
    return str(_opened(value))


def disclosures(values: Iterable[str], places: Mapping[str, str]) -> list[str]:
    """`place: which value`, by the value's beginning, for each that can be read there."""
    forms = {form: value for value in values for form in (value, b64encode(value.encode()).decode().rstrip("="))}
    return [f"{place}: {forms[form][:6]}…" for place, text in places.items() for form in forms if form in text]


def everything_but_secrets(rig: ControlPlane) -> Iterator[tuple[str, str]]:
    """Every object that the API server has but Secrets, by kind and as the server writes it."""
    names = rig.kubectl("api-resources", "--verbs=list", "--output=name").stdout.split()
    kinds = sorted({name for name in names if name != "secrets"})
    done = rig.kubectl("get", ",".join(kinds), "--all-namespaces", "--output=json", "--show-managed-fields")
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    yield "objects", done.stdout
