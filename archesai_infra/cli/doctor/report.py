"""A check's finding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warning", "problem", "skipped"]


@dataclass(frozen=True)
class Finding:
    """The result of a check, and how to fix a problem."""

    check: str
    status: Status
    text: str
    cure: str = ""


def ok(check: str, text: str) -> Finding:
    """The check passed."""
    return Finding(check, "ok", text)


def warning(check: str, text: str, cure: str) -> Finding:
    """It works, with a limit."""
    return Finding(check, "warning", text, cure)


def problem(check: str, text: str, cure: str) -> Finding:
    """An `up` would fail, or the stack would not work."""
    return Finding(check, "problem", text, cure)


def skipped(check: str, text: str) -> Finding:
    """The check does not apply, or could not be made."""
    return Finding(check, "skipped", text)
