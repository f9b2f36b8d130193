"""Grafana dashboards as plain dicts: panels by what they show, laid out from left to right."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

PROMETHEUS_SOURCE = "prometheus"
LOKI_SOURCE = "loki"
"""Addresses of the data sources in Grafana."""
SCHEMA_VERSION = 39
"""Version of the dashboard format; Grafana raises older ones when it loads them."""
COLUMNS = 24
Kind = Literal["timeseries", "stat", "bargauge", "logs"]


@dataclass(frozen=True)
class Query:
    """An expression in PromQL, or in LogQL for logs, and the name of its series."""

    expr: str
    legend: str = ""


@dataclass(frozen=True)
class Panel:
    """One picture."""

    title: str
    queries: Sequence[Query]
    unit: str = "short"
    """As Grafana calls it: `reqps`, `s`, `bytes`, `percentunit`, `short`."""
    kind: Kind = "timeseries"
    width: int = 8
    """Columns of 24."""
    height: int = 8
    description: str = ""
    source: Literal["prometheus", "loki"] = "prometheus"
    thresholds: tuple[float, ...] = ()
    """Values from which the panel turns yellow, then red."""


@dataclass(frozen=True)
class Dashboard:
    """A page of panels."""

    key: str
    """Part of its address and of its ConfigMap's name."""
    title: str
    panels: Sequence[Panel] = field(default_factory=list[Panel])


def stat(
    title: str, expr: str, unit: str = "short", *, thresholds: tuple[float, ...] = (), description: str = ""
) -> Panel:
    """One number."""
    return Panel(title, [Query(expr)], unit, "stat", 4, 4, description, thresholds=thresholds)


def graph(title: str, expr: str, legend: str, unit: str = "short", *, width: int = 8, description: str = "") -> Panel:
    """One expression over time."""
    return Panel(title, [Query(expr, legend)], unit, width=width, description=description)


def dashboard_file(dashboard: Dashboard, instance: str, namespace: str) -> str:
    """The dashboard's file; its address differs between stacks that share a Grafana."""
    digest = hashlib.sha256(f"{namespace}/{instance}".encode()).hexdigest()[:8]
    uid = f"archesai-{dashboard.key}-{digest}"
    return json.dumps(dashboard_json(dashboard, instance, uid), indent=1, sort_keys=True) + "\n"


def dashboard_json(dashboard: Dashboard, instance: str, uid: str) -> dict[str, Any]:
    """The dashboard as Grafana reads it."""
    return {
        "uid": uid,
        "title": f"{dashboard.title} ({instance})",
        "tags": ["archesai", instance],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": []},
        "annotations": {"list": []},
        "panels": _placed(dashboard.panels),
    }


def _placed(panels: Sequence[Panel]) -> list[dict[str, Any]]:
    """Panels in rows: a panel that does not fit beside the others begins the next row."""
    placed: list[dict[str, Any]] = []
    x, y, row_height = 0, 0, 0
    for number, panel in enumerate(panels, start=1):
        if x + panel.width > COLUMNS:
            x, y, row_height = 0, y + row_height, 0
        placed.append(_panel(panel, number, {"x": x, "y": y, "w": panel.width, "h": panel.height}))
        x, row_height = x + panel.width, max(row_height, panel.height)
    return placed


def _panel(panel: Panel, number: int, position: dict[str, int]) -> dict[str, Any]:
    source = {"type": panel.source, "uid": LOKI_SOURCE if panel.source == "loki" else PROMETHEUS_SOURCE}
    built: dict[str, Any] = {
        "id": number,
        "title": panel.title,
        "type": panel.kind,
        "datasource": source,
        "gridPos": position,
        "targets": [_target(query, letter, source) for query, letter in zip(panel.queries, "ABCDEF", strict=False)],
        "options": _options(panel),
    }
    if panel.kind != "logs":
        built["fieldConfig"] = {"defaults": _defaults(panel), "overrides": []}
    return built | ({"description": panel.description} if panel.description else {})


def _target(query: Query, letter: str, source: dict[str, str]) -> dict[str, Any]:
    return {"refId": letter, "expr": query.expr, "legendFormat": query.legend or "__auto", "datasource": source}


def _defaults(panel: Panel) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    steps += [
        {"color": color, "value": value} for color, value in zip(("yellow", "red"), panel.thresholds, strict=False)
    ]
    defaults: dict[str, Any] = {"unit": panel.unit, "thresholds": {"mode": "absolute", "steps": steps}}
    if panel.unit == "percentunit":
        defaults["min"] = 0
    return defaults


def _options(panel: Panel) -> dict[str, Any]:
    match panel.kind:
        case "timeseries":
            return {
                "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
                "tooltip": {"mode": "multi", "sort": "desc"},
            }
        case "logs":
            return {"showTime": True, "wrapLogMessage": True, "enableLogDetails": True, "sortOrder": "Descending"}
        case _:
            return {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}}
