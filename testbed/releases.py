"""Upgrades of this program: what a release declared, against what the present code declares of the same stack files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from tools.release_state import Record

KEPT = ("Namespace", "PersistentVolumeClaim", "StatefulSet")
"""Kinds that data depends on: none may get another name."""

Records = Mapping[str, Record]


class Change(NamedTuple):
    """What an upgrade does to one object."""

    action: Literal["new", "gone", "replaced", "restarts", "updated"]
    """`replaced` gets another name or cannot be changed in place; `restarts` rolls its pods."""
    kind: str
    name: str

    @property
    def label(self) -> str:
        """The object as CHANGELOG.md names it."""
        return f"{self.kind} `{self.name}`"


def load(path: Path) -> dict[str, Any]:
    """A release as `tools.release_state` wrote it."""
    return json.loads(path.read_text(encoding="utf-8"))


def newest(directory: Path) -> Path | None:
    """File of the newest release; None before the first one."""
    versions = {path: re.fullmatch(r"v(\d+)\.(\d+)\.(\d+)", path.stem) for path in directory.glob("*.json")}
    numbered = {path: tuple(map(int, found.groups())) for path, found in versions.items() if found}
    return max(numbered, key=lambda path: numbered[path], default=None)


def changes(before: Records, after: Records) -> Iterator[Change]:
    """What an upgrade does, object by object."""
    for urn in sorted({*before, *after}):
        old, new = before.get(urn), after.get(urn)
        shown = new or old or {}
        if old is None or new is None:
            yield Change("gone" if new is None else "new", shown["kind"], shown["name"])
        elif old["name"] != new["name"] or old.get("fixed") != new.get("fixed"):
            yield Change("replaced", shown["kind"], shown["name"])
        elif old.get("pods") != new.get("pods"):
            yield Change("restarts", shown["kind"], shown["name"])
        elif old["inputs"] != new["inputs"]:
            yield Change("updated", shown["kind"], shown["name"])


def refused(before: Records, after: Records) -> Iterator[str]:
    """What an upgrade cannot do in place, or would take from data, each as a line."""
    there = {(item["kind"], item["name"]) for item in after.values()}
    for urn, old in sorted(before.items()):
        kind, name, new = old["kind"], old["name"], after.get(urn)
        if kind in KEPT and (kind, name) not in there:
            yield f"{kind} {name} is gone or has another name"
        elif new is not None and new["name"] == name:
            for field, value in old.get("fixed", {}).items():
                if new["fixed"].get(field) != value:
                    yield f"{kind} {name}: {field} cannot be changed"


def unlisted(found: Iterator[Change], changelog: str, since: str) -> list[str]:
    """Changes that the sections after a version do not name under State changes, by kind and name."""
    later = changelog.partition(f"\n## {since.removeprefix('v')}")[0]
    listed = "\n".join(re.findall(r"(?ms)^### State changes\n(.*?)(?=^##|\Z)", later))
    # What is named by its content is listed by the part before.
    return sorted({f"{item.action} {item.label}" for item in found if not _listed(item, listed)})


def _listed(change: Change, text: str) -> bool:
    stem = re.sub(r"-[0-9a-f]{8}$", "-*", change.name)
    return change.label in text or f"{change.kind} `{stem}`" in text
