"""What a preview shows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Choice:
    """The options of `arches preview`."""

    diff: bool
    refresh: bool
    policy: bool
    json: bool
    exit_code: bool
    save_plan: Path | None = None
    """File for a plan that `arches up --plan` applies."""
