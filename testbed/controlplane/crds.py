"""Custom resource definitions kept beside the repository, for objects of operators that do not run here."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import yaml

from testbed.controlplane.api import Object


def directory() -> Path:
    """Where the definitions are looked for; the folder may be absent."""
    return Path(__file__).parents[3] / "shared" / "crds"


def custom_resource_definitions() -> list[Object]:
    """All definitions of the folder, none where there is no folder."""
    found: list[Object] = []
    for path in sorted(directory().glob("*.yaml")):
        found += [cast("Object", item) for item in yaml.safe_load_all(path.read_text(encoding="utf-8")) if item]
    return found
