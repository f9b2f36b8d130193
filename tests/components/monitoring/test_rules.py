"""Alerts: each is complete, has its runbook, fires when it should and is silent when it should be."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from testbed.monitoring.alert_cases import CASES, Case
from testbed.monitoring.programs import program
from testbed.monitoring.stacks import (
    BACKED_UP,
    INGRESS,
    ON,
    REPLICATED,
    alerts,
    backed_up,
    replicated,
    rule_groups,
    rules,
)
from testbed.stacks import ROOT, Config, render

WATCHDOG = "Watchdog"
RULES = alerts(replicated()) | alerts(backed_up())


def _alert(case: str) -> str:
    """The name of the alert that a case is for."""
    return case.partition(",")[0]


STACKS: dict[str, Config] = {
    "one switch": ON,
    "every module and backups": BACKED_UP,
    "an existing operator": BACKED_UP | {"ingress": INGRESS, "monitoring": {"enabled": True, "operator": "existing"}},
    "nginx": BACKED_UP | {"ingress": {"enabled": True, "className": "nginx"}},
    "replicated redis": REPLICATED,
    "rustfs": BACKED_UP | {"storage": {"enabled": True}},
    "snapshots alone": BACKED_UP | {"backups": BACKED_UP["backups"] | {"snapshots": {"enabled": True}}},
}


def _promtool(*arguments: str | Path) -> None:
    done = subprocess.run(
        [program("promtool"), *map(str, arguments)], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _write_rules(directory: Path, alert: str | None = None) -> Path:
    """Every rule, or those of one alert: its group, and where it reads records the groups that make them."""
    shared = {group["name"]: group for group in rule_groups(backed_up())}
    # Groups of the other form of redis have alerts of their own.
    (other,) = (group for group in rule_groups(replicated()) if group["name"] == "archesai-redis")
    more = [rule for rule in other["rules"] if rule["alert"] not in alerts(backed_up())]
    groups = [*shared.values(), {"name": "archesai-redis-replicated", "rules": more}]
    if alert is not None:
        recorded = "namespace:" in RULES[alert]["expr"]
        groups = [group for group in groups if _has(group, "alert", alert) or (recorded and _has(group, "record"))]
    path = directory / "rules.yaml"
    path.write_text(yaml.safe_dump({"groups": groups}), encoding="utf-8")
    return path


def _has(group: dict[str, Any], kind: str, name: str | None = None) -> bool:
    return any(kind in rule and name in (None, rule[kind]) for rule in group["rules"])


def _test(series: dict[str, str], case: Case, name: str, expected: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": f"{name} {'fires' if expected else 'is silent'}",
        "interval": "1m",
        "input_series": [{"series": key, "values": values} for key, values in (series | case.other).items()],
        "alert_rule_test": [{"eval_time": case.at, "alertname": name, "exp_alerts": expected}],
    }


def test_the_rule_file_passes_promtool(tmp_path: Path) -> None:
    _promtool("check", "rules", _write_rules(tmp_path))


LONG = {
    "BackupDailyMissing",
    "BackupWeeklyMissing",
    "ApiLatencyBudgetBurnsFast",
    "ApiLatencyBudgetBurnsSlow",
    "LogsOutgrowVolume",
}
"""Alerts whose cases last for days, which takes promtool seconds."""


@pytest.mark.parametrize(
    "case_name",
    [pytest.param(name, marks=pytest.mark.long if _alert(name) in LONG else ()) for name in sorted(CASES)],
)
def test_alert_fires_and_says_what_is_wrong_and_is_silent_on_what_is_in_order(case_name: str, tmp_path: Path) -> None:
    case, name = CASES[case_name], _alert(case_name)
    rule = RULES[name]
    expected = {
        "exp_labels": rule["labels"] | case.labels,
        "exp_annotations": rule["annotations"] | {"summary": case.summary},
    }
    tests = [_test(case.fire, case, name, [expected]), _test(case.quiet, case, name, [])]
    document = {"rule_files": [_write_rules(tmp_path, name).name], "evaluation_interval": "1m", "tests": tests}
    path = tmp_path / "test.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    _promtool("test", "rules", path)


@pytest.mark.parametrize("stack", sorted(STACKS))
def test_every_alert_but_the_watchdog_has_a_case(stack: str) -> None:
    found = alerts(render(STACKS[stack]))
    assert found
    assert set(found) - {WATCHDOG} <= set(map(_alert, CASES))


def test_no_case_is_for_an_alert_that_is_gone() -> None:
    assert set(map(_alert, CASES)) == set(RULES) - {WATCHDOG}


def test_an_api_that_never_failed_has_an_error_ratio_of_zero(tmp_path: Path) -> None:
    series = {'http_requests_total{job="archesai-api",namespace="archesai",status="200"}': "0+60x30"}
    test = {
        "interval": "1m",
        "input_series": [{"series": key, "values": values} for key, values in series.items()],
        "promql_expr_test": [
            {
                "expr": "namespace:api_errors:ratio_rate5m",
                "eval_time": "15m",
                "exp_samples": [
                    {"labels": 'namespace:api_errors:ratio_rate5m{namespace="archesai"}', "value": 0},
                ],
            }
        ],
    }
    _write_rules(tmp_path)
    path = tmp_path / "zero.yaml"
    path.write_text(yaml.safe_dump({"rule_files": ["rules.yaml"], "tests": [test]}), encoding="utf-8")
    _promtool("test", "rules", path)


@pytest.mark.parametrize("name", sorted(RULES))
def test_alert_has_severity_summary_and_a_runbook_that_exists(name: str) -> None:
    rule = RULES[name]
    page, _, section = rule["annotations"]["runbook_url"].partition("#")
    file = ROOT / "docs" / ("backup-restore.md" if name.startswith("Backup") else "operations.md")
    headings = re.findall(r"^### (\S+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    assert rule["labels"]["severity"] in {"critical", "warning", "none"}
    assert rule["annotations"]["summary"]
    assert page.endswith(f"/docs/{file.name}")
    assert section == name.lower()
    assert name in headings


def test_the_page_of_runbooks_can_be_elsewhere() -> None:
    config = {"monitoring": {"enabled": True, "alerts": {"runbooks": "https://wiki.example.com/arches"}}}
    urls = {rule["annotations"]["runbook_url"] for rule in alerts(render(config)).values()}
    assert "https://wiki.example.com/arches#targetdown" in urls


def test_thresholds_follow_the_settings() -> None:
    objectives = {"availability": 99.5, "latency": 95, "latencySeconds": 0.5}
    config = {"monitoring": {"enabled": True, "objectives": objectives, "metrics": {"api": True}}}
    built = render(config)
    assert "> 0.072" in alerts(built)["ApiErrorBudgetBurnsFast"]["expr"]
    assert "> 0.05)" in alerts(built)["ApiLatencyBudgetBurnsSlow"]["expr"]
    slow = next(rule["expr"] for rule in rules(built) if rule.get("record") == "namespace:api_slow:ratio_rate5m")
    assert 'le=~"0.5"' in slow


def test_rules_follow_the_modules() -> None:
    names = set(alerts(render(ON)))
    assert {"DatabaseUnreachable", "MigrationFailed", "PodCrashLooping"} <= names
    assert not {name for name in names if name.startswith(("Api", "Redis", "Certificate", "NodeDisk"))}


def test_the_apis_own_metrics_are_scraped_only_where_that_is_asked_for() -> None:
    assert "archesai-api" not in alerts(render(ON))["TargetMissing"]["expr"]
    asked = render({"monitoring": {"enabled": True, "metrics": {"api": True}}})
    assert 'up{job="archesai-api"' in alerts(asked)["TargetMissing"]["expr"]


COUNTED: dict[str, tuple[Config, str, str]] = {
    "our Traefik": (
        {"controller": {"install": True}},
        "traefik_service_requests_total",
        'service="archesai-archesai-api-3001@kubernetes",code="{}"',
    ),
    "our Traefik, class nginx": (
        {"controller": {"install": True}, "className": "nginx"},
        "traefik_service_requests_total",
        'service="archesai-archesai-api-archesai-api-3001@kubernetesingressnginx",code="{}"',
    ),
    "ingress-nginx": (
        {"className": "nginx"},
        "nginx_ingress_controller_requests",
        'namespace="archesai",ingress="archesai-api",status="{}"',
    ),
}
"""Settings of the ingress, and how its controller counts requests of the api: counter and labels."""


@pytest.mark.parametrize("controller", COUNTED)
def test_errors_that_the_controller_counts_fire_without_a_metric_of_the_api(controller: str, tmp_path: Path) -> None:
    ingress, counter, labels = COUNTED[controller]
    built = render(ON | {"ingress": {"enabled": True, **ingress}})
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": rule_groups(built)}), encoding="utf-8")
    rule = alerts(built)["ApiErrorRateHigh"]

    def case(name: str, errors: str, expected: list[dict[str, Any]]) -> dict[str, Any]:
        other = labels.replace("archesai-api", "archesai-platform").format("500")
        series = {labels.format("200"): "0+60x40", labels.format("500"): errors, other: "0+60x40"}
        return {
            "name": name,
            "interval": "1m",
            "input_series": [{"series": f"{counter}{{{key}}}", "values": value} for key, value in series.items()],
            "alert_rule_test": [{"eval_time": "20m", "alertname": "ApiErrorRateHigh", "exp_alerts": expected}],
        }

    summary = "6.25% of the api's requests end in a server error."
    fires = {
        "exp_labels": rule["labels"] | {"namespace": "archesai"},
        "exp_annotations": rule["annotations"] | {"summary": summary},
    }
    tests = [case("errors", "0+4x40", [fires]), case("few errors", "0+3x40", [])]
    path = tmp_path / "test.yaml"
    path.write_text(yaml.safe_dump({"rule_files": ["rules.yaml"], "tests": tests}), encoding="utf-8")
    _promtool("test", "rules", path)
