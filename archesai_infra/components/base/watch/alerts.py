"""Alerts and recording rules, before they become PrometheusRules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["critical", "warning", "none"]


@dataclass(frozen=True)
class Record:
    """A result that is computed once and read often."""

    name: str
    """`level:metric:operations`."""
    expr: str


@dataclass(frozen=True)
class Alert:
    """A condition that someone has to know of."""

    name: str
    expr: str
    severity: Severity
    """`critical`: someone has to act now. `warning`: someone has to act today. `none`: a sign of life."""
    summary: str
    """One sentence for the person on call; may use the labels of the series."""
    hold: str = "0m"
    """How long the condition must last, as Prometheus writes durations."""


@dataclass(frozen=True)
class Group:
    """Rules that are evaluated together, in order."""

    name: str
    rules: Sequence[Alert | Record]
    interval: str | None = None
    """Time between evaluations, where Prometheus's own is too often."""

    @property
    def alerts(self) -> list[Alert]:
        """The alerts among the rules."""
        return [rule for rule in self.rules if isinstance(rule, Alert)]


def anchor(alert: str) -> str:
    """The section of an alert in the page of runbooks."""
    return alert.lower()


def rule_group(group: Group, runbooks: str) -> dict[str, Any]:
    """A group as PrometheusRule and Prometheus's own rule files have it; `runbooks` is the page of runbooks."""
    built: dict[str, Any] = {"name": group.name, "rules": [_rule(rule, runbooks) for rule in group.rules]}
    return built | ({"interval": group.interval} if group.interval else {})


def _rule(rule: Alert | Record, runbooks: str) -> dict[str, Any]:
    if isinstance(rule, Record):
        return {"record": rule.name, "expr": rule.expr}
    return {
        "alert": rule.name,
        "expr": rule.expr,
        "for": rule.hold,
        "labels": {"severity": rule.severity},
        "annotations": {"summary": rule.summary, "runbook_url": f"{runbooks}#{anchor(rule.name)}"},
    }
