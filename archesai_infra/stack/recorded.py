"""What the last complete `up` of a stack recorded in its outputs."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from archesai_infra.stack.config import PROJECT
from archesai_infra.stack.formats import recorded_formats, recorded_majors
from archesai_infra.stack.protection import PROTECTED, VOLUMES

READS = 3
"""Reads of the stack's outputs before an error counts."""
READ_PAUSE = 0.2
"""Seconds between them."""


@dataclass(frozen=True)
class Earlier:
    """What the last complete `up` of a stack recorded in its outputs."""

    protected: tuple[str, ...] = ()
    volumes: Mapping[str, str] = field(default_factory=dict[str, str])
    majors: Mapping[str, str] = field(default_factory=dict[str, str])
    formats: Mapping[str, str] = field(default_factory=dict[str, str])


def earlier(stack: str) -> Earlier:
    """Read the stack's own outputs from its state; nothing before the first `up`."""
    name = f"{pulumi.get_organization()}/{PROJECT}/{stack}"
    found: Any = _read_outputs(name, READS)
    return from_outputs((found or {}).get("outputs") or {})


def _read_outputs(name: str, reads: int) -> object:
    """The engine's answer.

    The engine writes its own checkpoint meanwhile, and a state in files (`file://`) not in one piece: its metadata are
    empty for a moment (gocloud.dev, fileblob, setAttrs), and the reader says EOF.
    """
    try:
        return pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", {"name": name}).value
    except Exception:
        if reads == 1:
            raise
        time.sleep(READ_PAUSE)
        return _read_outputs(name, reads - 1)


def from_outputs(outputs: Mapping[str, Any]) -> Earlier:
    """What a stack's outputs record, also those of a release that recorded less."""
    return Earlier(
        protected=tuple(outputs.get(PROTECTED, ())),
        volumes=outputs.get(VOLUMES, {}),
        majors=recorded_majors(outputs),
        formats=recorded_formats(outputs),
    )
