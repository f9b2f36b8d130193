"""A values file of the old Helm chart, in its `helm-minimal` or its `arches` form, as a stack's configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from archesai_infra.cli.import_values import data_modules, modules
from archesai_infra.cli.import_values.old_values import OldValues, Translation, known_keys
from archesai_infra.components.api import flatten
from archesai_infra.quantities import cpu_cores

_PARTS: tuple[Callable[[OldValues], None], ...] = (
    modules.general,
    data_modules.database,
    data_modules.redis,
    data_modules.storage,
    modules.helpers,
    modules.api,
    modules.platform,
    modules.ingress,
    modules.monitoring,
    modules.development,
    modules.free_settings,
)
"""Each takes what it knows of the old values; the order settles which of them gets a key."""


def overlaid(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Values with others over them, as Helm overlays files: objects key by key, everything else as a whole."""
    result = dict(below)
    for key, value in above.items():
        lower = result.get(key)
        result[key] = overlaid(lower, value) if isinstance(lower, dict) and isinstance(value, dict) else value
    return result


def translate(values: Mapping[str, Any]) -> Translation:
    """The stack configuration for old values; what equals a default of the program is left out."""
    old = OldValues(flatten(values), Translation())
    for part in _PARTS:
        part(old)
    for path in sorted(old.leaves):
        old.result.no_place[path] = "is not a key of the old chart"
    _without_defaults(old.result.config)
    return old.result


def _without_defaults(config: dict[str, Any]) -> None:
    """Remove what the program does anyway; resources stay whole or go whole."""
    defaults = {key.path: key.default for key in known_keys() if not key.required and not key.group}
    for path, value in flatten(config).items():
        if path in defaults and defaults[path] == value and ".resources." not in path:
            _remove(config, path.split("."))
    for path in sorted({path.partition(".resources.")[0] for path in flatten(config) if ".resources." in path}):
        own = {leaf: value for leaf, value in flatten(config).items() if leaf.startswith(f"{path}.resources.")}
        if all(_same(defaults.get(leaf), value) for leaf, value in own.items()):
            _remove(config, [*path.split("."), "resources"])


def _same(default: object, value: object) -> bool:

    try:
        return cpu_cores(str(default)) == cpu_cores(str(value))
    except ValueError:
        return default == value


def _remove(tree: dict[str, Any], path: list[str]) -> None:
    if len(path) > 1:
        _remove(tree[path[0]], path[1:])
    if len(path) == 1 or not tree[path[0]]:
        del tree[path[0]]
