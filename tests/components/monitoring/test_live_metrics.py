"""Every series that a rule or a dashboard names exists on a real Prometheus, and every panel shows something."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from testbed.monitoring import doubles
from testbed.monitoring.live import Prometheus, prometheus
from testbed.monitoring.programs import knows_storage, knows_tables
from testbed.monitoring.promql import grouping_labels, selectors
from testbed.monitoring.stacks import alerts, backed_up, queries, rules

pytestmark = pytest.mark.long
PANELS = queries(backed_up(), "prometheus")
RULES = {rule.get("alert") or rule["record"]: rule["expr"] for rule in rules(backed_up())}
EVENTS_ONLY = {
    "infrastructure: Restarts A",
}
"""Panels that are empty while nothing happens."""
THIS_MACHINES = {"NodeDiskNearlyFull", "StorageNearlyFull"}
"""Alerts on the disk of whatever machine this runs on."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Prometheus]:
    with prometheus(tmp_path_factory.mktemp("prometheus")) as running:
        yield running


@pytest.mark.parametrize("name", sorted(PANELS))
def test_panel_names_series_and_labels_that_exist(name: str, server: Prometheus) -> None:
    _check(server, PANELS[name])


@pytest.mark.parametrize("name", sorted(RULES))
def test_rule_names_series_and_labels_that_exist(name: str, server: Prometheus) -> None:
    _check(server, RULES[name])


def _check(server: Prometheus, expr: str) -> None:
    _skip_what_cannot_run(expr)
    found = {selector: server.query(selector) for selector in selectors(expr)}
    assert [selector for selector, series in found.items() if not series] == []
    labels = {label for series in found.values() for one in series for label in one["metric"]}
    assert grouping_labels(expr) - labels == set()


def _skip_what_cannot_run(expr: str) -> None:
    if ("minio_" in expr or "archesai-storage" in expr) and not knows_storage():
        pytest.skip("MinIO is not built, or rclone is not installed: python -m testbed.programs build minio")
    if "pg_stat_user_tables" in expr and not knows_tables():
        pytest.skip("Debian's postgres-exporter has no statistics of tables; put a newer postgres_exporter on PATH")


@pytest.mark.parametrize("name", sorted(set(PANELS) - EVENTS_ONLY))
def test_panel_shows_something(name: str, server: Prometheus) -> None:
    _skip_what_cannot_run(PANELS[name])
    result = server.query(PANELS[name])
    assert result
    assert not all(one["value"][1] == "NaN" for one in result)


def test_prometheus_evaluates_every_rule_without_an_error(server: Prometheus) -> None:
    states = [
        (rule["name"], rule.get("lastError", ""))
        for group in server.get("rules")["groups"]
        for rule in group["rules"]
        if rule["health"] != "ok"
    ]
    assert states == []


def test_only_the_watchdog_fires_while_all_is_well(server: Prometheus) -> None:
    _skip_what_cannot_run(RULES["StorageDriveOffline"])
    firing = {alert["labels"]["alertname"] for alert in server.get("alerts")["alerts"]}
    assert firing & set(alerts(backed_up())) - THIS_MACHINES == {"Watchdog"}


def test_routes_of_the_api_are_told_apart(server: Prometheus) -> None:
    series = server.query('sum by (endpoint) (http_requests_total{job="archesai-api"})')
    routes = {route for _, route, _ in (*doubles.ROUTES, doubles.FAILURE)}
    assert {one["metric"]["endpoint"] for one in series} == routes
