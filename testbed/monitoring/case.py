"""What an alert is tried on."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Case:
    """Series in promtool's notation, one sample a minute."""

    fire: dict[str, str]
    quiet: dict[str, str]
    labels: dict[str, str]
    """Labels of the alert that fires, without its name and severity."""
    summary: str
    at: str = "20m"
    other: dict[str, str] = field(default_factory=dict[str, str])
    """Series of both."""
