"""What an operation did, from the engine's events, in words that a test can state."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from pulumi.automation import EngineEvent

_WORDS = {
    "create": "created",
    "update": "updated",
    "delete": "deleted",
    "replace": "replaced",
    "refresh": "refreshed",
    "discard": "forgotten",
}


@dataclass(frozen=True)
class Step:
    """One step of an operation, in the order in which the engine took it."""

    operation: str
    resource: str
    """`Type logical-name`."""
    differing: tuple[str, ...]
    """Paths of the properties that differ, or that enforce a replacement."""
    started: int
    """Sequence number of the event."""


@dataclass(frozen=True)
class Changes:
    """What became of the stack's resources; components and what stays the same are left out."""

    created: frozenset[str] = frozenset()
    updated: frozenset[str] = frozenset()
    replaced: frozenset[str] = frozenset()
    deleted: frozenset[str] = frozenset()
    steps: tuple[Step, ...] = field(default=(), compare=False, repr=False)
    finished: dict[str, int] = field(default_factory=dict[str, int], compare=False, repr=False)
    """Sequence number of the event that says that a resource is done."""

    def __bool__(self) -> bool:
        return bool(self.created or self.updated or self.replaced or self.deleted)

    def before(self, first: str, second: str) -> bool:
        """Whether the first resource was done before the second was begun."""
        began = min(step.started for step in self.steps if step.resource == second)
        return self.finished[first] < began


def short(urn: str) -> str:
    """`Type logical-name` of a URN, without the digest of a ConfigMap's content."""
    return without_digest(f"{urn.split('::')[2].rpartition(':')[2]} {urn.rpartition('::')[2]}")


def without_digest(name: str) -> str:
    """A resource by its `Type logical-name`, the same for each content of a ConfigMap."""
    return re.sub(r"^(ConfigMap .*)-[0-9a-f]{8}$", r"\1", name)


def changes(events: Iterable[EngineEvent]) -> Changes:
    """The changes in the events of one operation, planned or made."""
    found: dict[str, set[str]] = {word: set() for word in _WORDS.values()}
    steps: list[Step] = []
    finished: dict[str, int] = {}
    for event in events:
        if event.resource_pre_event is not None:
            metadata = event.resource_pre_event.metadata
            name, operation = short(metadata.urn), str(metadata.op.value)
            if ":pulumi:Stack::" in metadata.urn or not _custom(metadata.type):
                continue
            steps.append(Step(operation, name, tuple(metadata.diffs or ()), event.sequence))
            if operation in _WORDS:
                found[_WORDS[operation]].add(name)
        elif event.res_outputs_event is not None:
            # A replaced resource ends once more, when its old form goes.
            finished.setdefault(short(event.res_outputs_event.metadata.urn), event.sequence)
    # Another content is another resource: the old one goes last, as that of a replacement does.
    revised = {name for name in found["created"] & found["deleted"] if name.startswith("ConfigMap ")}
    found["replaced"] |= revised
    for word in ("created", "deleted"):
        found[word] -= revised
    sets = {word: frozenset(names) for word, names in found.items() if word not in ("refreshed", "forgotten")}
    return Changes(**sets, steps=tuple(steps), finished=finished)


def _custom(kind: str) -> bool:
    """Whether a type is neither a component nor the engine's own provider."""
    return not kind.startswith("archesai:") and kind != "pulumi:providers:pulumi"
