"""Dashboards: what Grafana's dashboard format demands, and what people expect of a page."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from testbed.monitoring.stacks import EVERYTHING, dashboards, everything, of_kind
from testbed.stacks import render

BOARDS = dashboards(everything())
UNITS = {"short", "reqps", "s", "bytes", "Bps", "percentunit"}
"""Names of units, as Grafana's list of value formats has them."""

_TARGET: dict[str, Any] = {
    "type": "object",
    "required": ["refId", "expr", "datasource"],
    "properties": {"refId": {"pattern": "^[A-Z]$"}, "expr": {"type": "string", "minLength": 1}},
}
_PANEL: dict[str, Any] = {
    "type": "object",
    "required": ["id", "title", "type", "gridPos", "datasource", "targets", "options"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "integer", "minimum": 1},
        "title": {"type": "string", "minLength": 1},
        "description": {"type": "string"},
        "type": {"enum": ["timeseries", "stat", "logs"]},
        "gridPos": {
            "type": "object",
            "required": ["x", "y", "w", "h"],
            "properties": {
                "x": {"type": "integer", "minimum": 0, "maximum": 23},
                "w": {"type": "integer", "minimum": 1, "maximum": 24},
                "h": {"type": "integer", "minimum": 1},
            },
        },
        "datasource": {
            "type": "object",
            "required": ["type", "uid"],
            "properties": {"uid": {"enum": ["prometheus", "loki"]}, "type": {"enum": ["prometheus", "loki"]}},
        },
        "targets": {"type": "array", "minItems": 1, "items": _TARGET},
        "options": {"type": "object"},
        "fieldConfig": {"type": "object", "required": ["defaults", "overrides"]},
    },
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["uid", "title", "schemaVersion", "panels", "time", "templating", "annotations"],
    "properties": {
        "uid": {"type": "string", "pattern": "^[a-zA-Z0-9_-]{1,40}$"},
        "schemaVersion": {"type": "integer", "minimum": 36},
        "panels": {"type": "array", "minItems": 1, "items": _PANEL},
    },
}
"""The part of Grafana's documented dashboard model (kind Dashboard, v1) that these dashboards use."""


@pytest.mark.parametrize("key", sorted(BOARDS))
def test_dashboard_has_the_form_that_grafana_documents(key: str) -> None:
    Draft202012Validator(SCHEMA).validate(BOARDS[key])


@pytest.mark.parametrize("key", sorted(BOARDS))
def test_panels_have_ids_of_their_own_and_lie_beside_each_other(key: str) -> None:
    panels = BOARDS[key]["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells


@pytest.mark.parametrize("key", sorted(BOARDS))
def test_every_series_has_a_unit_that_grafana_knows_and_a_target_letter_of_its_own(key: str) -> None:
    for panel in BOARDS[key]["panels"]:
        letters = [target["refId"] for target in panel["targets"]]
        assert len(set(letters)) == len(letters)
        if panel["type"] != "logs":
            assert panel["fieldConfig"]["defaults"]["unit"] in UNITS


def test_titles_on_a_page_differ() -> None:
    for key, board in BOARDS.items():
        titles = [panel["title"] for panel in board["panels"] if panel["type"] != "stat"]
        assert len(set(titles)) == len(titles), key


def test_two_stacks_have_different_addresses_in_a_shared_grafana() -> None:
    other = dashboards(render(EVERYTHING | {"namespace": "other"}))
    assert not {board["uid"] for board in BOARDS.values()} & {board["uid"] for board in other.values()}


def test_grafana_finds_them_by_label_and_folder() -> None:
    boards = [
        item
        for item in of_kind(everything(), "ConfigMap").values()
        if item["metadata"]["name"].startswith("archesai-dashboard-")
    ]
    assert len(boards) == len(BOARDS)
    for item in boards:
        assert item["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert item["metadata"]["annotations"]["grafana_folder"] == "Arches"
        assert all(name.endswith(".json") for name in item["data"])
        assert sum(len(text) for text in item["data"].values()) < 500_000


def test_the_application_page_shows_rate_latency_and_errors() -> None:
    titles = {panel["title"] for panel in BOARDS["application"]["panels"]}
    assert {"Requests per second", "95th percentile", "Error rate", "Error budget left"} <= titles


def test_the_infrastructure_page_shows_pods_cpu_memory_restarts_and_volumes() -> None:
    titles = {panel["title"] for panel in BOARDS["infrastructure"]["panels"]}
    assert {"Pods ready", "CPU", "Memory", "Restarts", "Volumes"} <= titles
