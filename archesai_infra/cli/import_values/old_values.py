"""What a values file of the old chart says, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

from archesai_infra.credentials import Credential
from archesai_infra.stack.explain import Key, keys
from archesai_infra.stack.settings import Settings

OFF = ("disabled", False)
"""What switched a module off."""
GENERATED = "omit it to have a new one generated"


@dataclass
class Translation:
    """What became of a values file."""

    config: dict[str, Any] = field(default_factory=dict[str, Any])
    """Stack configuration by top-level key."""
    secrets: dict[str, str] = field(default_factory=dict[str, str])
    """Why a credential should be set, by its key; values are never copied."""
    no_place: dict[str, str] = field(default_factory=dict[str, str])
    """Why an old key is not in the stack, by old key."""


@dataclass
class OldValues:
    """The old values by dotted path; what is taken is no longer there."""

    leaves: dict[str, Any]
    result: Translation

    def take(self, path: str, default: object = None) -> Any:  # noqa: ANN401 - any YAML
        """The value of a path, which is then done with."""
        return self.leaves.pop(path, default)

    def below(self, prefix: str) -> dict[str, Any]:
        """The values below a path, which are then done with."""
        return {path: self.take(path) for path in [path for path in self.leaves if path.startswith(f"{prefix}.")]}

    def put(self, path: str, value: object) -> None:
        """Set a key of the stack, unless there is nothing to set."""
        if value is not None:
            _put(self.result.config, path.split("."), value)

    def move(self, old: str, new: str) -> None:
        """Give the value of an old path to a key of the stack."""
        self.put(new, self.take(old))

    def drop(self, path: str, why: str) -> None:
        """List a path, where it is set, as one without an equivalent."""
        if path in self.leaves:
            self.take(path)
            self.result.no_place[path] = why

    def secret(self, path: str, credential: Credential, why: str) -> None:
        """List a credential that should be set, where the old values have it."""
        if self.take(path) not in (None, ""):
            given = self.result.secrets.get(credential)
            self.result.secrets[credential] = f"{given}; {path}: {why}" if given else f"{path}: {why}"


def _put(tree: dict[str, Any], path: list[str], value: object) -> None:
    for part in path[:-1]:
        tree = tree.setdefault(part, {})
    tree[path[-1]] = value


def switched_on(old: OldValues, module: str) -> bool | None:
    """Whether a module was on; None where the values do not say."""
    mode = old.take(f"{module}.mode")
    enabled = old.take(f"{module}.enabled")
    if mode is None and enabled is None:
        return None
    return (mode if mode is not None else enabled) not in OFF


def unmanaged(old: OldValues, module: str) -> bool:
    """Whether a module's server was outside the old chart."""
    return old.leaves.get(f"{module}.mode") == "unmanaged"


def was_on(old: OldValues, module: str) -> bool:
    """Whether the values say anything of a module but that it was off."""
    given = {path: value for path, value in old.leaves.items() if path.startswith(f"{module}.")}
    mode = given.get(f"{module}.mode", given.get(f"{module}.enabled", bool(given)))
    return mode not in OFF


@cache
def known_keys() -> list[Key]:
    """The keys of a stack, computed once."""
    return keys(Settings)


def image(old: OldValues, source: str, target: str) -> None:
    """Repository and tag of a module's image."""
    old.move(f"{source}.image.repository", f"{target}.image.repository")
    old.move(f"{source}.image.tag", f"{target}.image.tag")


def pinned_image(old: OldValues, source: str) -> None:
    """Image of a third party: the program's own pinned version takes its place."""
    for key in ("repository", "tag"):
        old.drop(f"{source}.image.{key}", "the program pins a tested version; to choose: <module>.image")


def resources(old: OldValues, source: str, target: str) -> None:
    """Requests and limits; a part that is missing comes from the program's defaults."""
    given = old.below(f"{source}.resources")
    if not given:
        return
    defaults = {key.path: key.default for key in known_keys()}
    for kind in ("requests", "limits"):
        for name in ("cpu", "memory", "ephemeralStorage"):
            value = given.pop(f"{source}.resources.{kind}.{name}", defaults.get(f"{target}.resources.{kind}.{name}"))
            old.put(f"{target}.resources.{kind}.{name}", str(value))
    for path in given:
        old.result.no_place[path] = "only cpu and memory have a place"
