"""Custom resource definitions for objects of operators that do not run on the control plane."""

from __future__ import annotations

from pathlib import Path

import yaml

from testbed.controlplane.api import Object
from testbed.programs import parts


def files(group: str = "") -> list[Path]:
    """Files of the definitions, named `<plural>.<group>.yaml`, of one API group or of all; none before the build."""
    (part,) = parts.select(parts.DEFINITIONS)
    pattern = f"*.{group}.yaml" if group else "*.yaml"
    return sorted(part.output.glob(pattern))


def custom_resource_definitions(group: str = "") -> list[Object]:
    """The definitions of one API group, or all."""
    return [definition for path in files(group) for definition in _documents(path)]


def _documents(path: Path) -> list[Object]:
    # The parser in C: the one in Python takes half a minute for all of them.
    text = path.read_text(encoding="utf-8")
    return [document for document in yaml.load_all(text, Loader=yaml.CSafeLoader) if document]
