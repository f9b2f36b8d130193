"""What `arches adopt` would do, in words."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from archesai_infra.cli.adopt.live import Object
from archesai_infra.stack.evaluate import Resource

BEFORE, AFTER = "before the first up", "after the first up"


class Fate(StrEnum):
    """What happens to an object."""

    SAME = "taken as it is"
    CHANGED = "taken, then changed"
    """By the next `up`, in place."""
    REFUSED = "cannot be taken"
    """A field differs that no update can change."""
    FOREIGN = "has another owner"
    KNOWN = "already in the state"
    CREATED = "will be created"
    NO_PLACE = "has no place"
    """It is in the namespace and not in the program; it stays."""


class Setting(NamedTuple):
    """A key that the stack file needs so that what runs is taken over."""

    key: str
    value: str
    why: str
    secret: bool = False


class Step(NamedTuple):
    """Something that only a person should do."""

    when: str
    """Before or after the first `up`."""
    why: str
    commands: tuple[str, ...]


class DataVolume(NamedTuple):
    """Where a module's data is."""

    module: str
    claim: str
    volume: str
    reclaim_policy: str
    """What happens to the volume when its claim is deleted."""


@dataclass(frozen=True)
class Item:
    """One object of the program or of the namespace."""

    module: str
    kind: str
    name: str
    fate: Fate
    why: tuple[str, ...] = ()
    """Why it cannot be taken or has no place, or what is changed."""
    restarts: bool = False
    """Whether the first `up` recreates its pods."""
    resource: Resource | None = field(default=None, repr=False)
    """What the program declares."""
    live: Object | None = field(default=None, repr=False)
    setters: tuple[str, ...] = ()
    """Other managers of fields that will be changed; they lose them."""

    @property
    def taken(self) -> bool:
        """Whether it goes into the state."""
        return self.fate in (Fate.SAME, Fate.CHANGED)


@dataclass(frozen=True)
class Takeover:
    """What the data modules need."""

    settings: tuple[Setting, ...] = ()
    volumes: tuple[DataVolume, ...] = ()
    steps: tuple[Step, ...] = ()
    obstacles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """Everything a person has to know before anything happens."""

    stack: str
    namespace: str
    items: tuple[Item, ...]
    settings: tuple[Setting, ...]
    volumes: tuple[DataVolume, ...]
    steps: tuple[Step, ...]
    obstacles: tuple[str, ...]
    """Why nothing may be taken yet, each with its cure."""

    @property
    def taken(self) -> list[Item]:
        """What goes into the state."""
        return [item for item in self.items if item.taken]

    @property
    def left(self) -> int:
        """How many steps have to be done before an `up`."""
        return sum(step.when == BEFORE for step in self.steps)

    @property
    def restarts(self) -> list[str]:
        """Modules whose pods the first `up` recreates."""
        return sorted({item.module for item in self.items if item.restarts})

    @property
    def unprotected(self) -> list[DataVolume]:
        """Volumes that would be deleted with their claim."""
        return [volume for volume in self.volumes if volume.reclaim_policy != "Retain"]

    def to_dict(self) -> dict[str, object]:
        """The plan for scripts; secret values stay out of it."""
        return {
            "stack": self.stack,
            "namespace": self.namespace,
            "obstacles": list(self.obstacles),
            "settings": [
                {
                    "key": setting.key,
                    "value": None if setting.secret else setting.value,
                    "secret": setting.secret,
                    "why": setting.why,
                }
                for setting in self.settings
            ],
            "volumes": [volume._asdict() for volume in self.volumes],
            "objects": [
                {
                    "module": item.module,
                    "kind": item.kind,
                    "name": item.name,
                    "fate": str(item.fate),
                    "why": list(item.why),
                    "restarts": item.restarts,
                }
                for item in self.items
            ],
            "steps": [one._asdict() for one in self.steps],
            "restarts": self.restarts,
        }
