"""Alerts: each is complete, has its runbook, fires when it should and is silent when it should be."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.monitoring.alert_cases import CASES, Case
from tests.monitoring.programs import program
from tests.monitoring.stacks import ON, alerts, everything, rule_groups, rules
from tests.stacks import ROOT, render

if TYPE_CHECKING:
    from pathlib import Path

WATCHDOG = "Watchdog"


def _promtool(*arguments: str | Path) -> None:
    done = subprocess.run(
        [program("promtool"), *map(str, arguments)], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _write_rules(directory: Path) -> Path:
    path = directory / "rules.yaml"
    path.write_text(yaml.safe_dump({"groups": rule_groups(everything())}), encoding="utf-8")
    return path


def _test_file(directory: Path, series: dict[str, str], case: Case, name: str, expected: list[dict[str, Any]]) -> Path:
    test = {
        "interval": "1m",
        "input_series": [{"series": key, "values": values} for key, values in (series | case.other).items()],
        "alert_rule_test": [{"eval_time": case.at, "alertname": name, "exp_alerts": expected}],
    }
    path = directory / f"{name}.yaml"
    document = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": [test]}
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def test_the_rule_file_passes_promtool(tmp_path: Path) -> None:
    _promtool("check", "rules", _write_rules(tmp_path))


@pytest.mark.parametrize("name", sorted(CASES))
def test_alert_fires_and_says_what_is_wrong(name: str, tmp_path: Path) -> None:
    case, rule = CASES[name], alerts(everything())[name]
    expected = {
        "exp_labels": rule["labels"] | case.labels,
        "exp_annotations": rule["annotations"] | {"summary": case.summary},
    }
    _write_rules(tmp_path)
    _promtool("test", "rules", _test_file(tmp_path, case.fire, case, name, [expected]))


@pytest.mark.parametrize("name", sorted(CASES))
def test_alert_is_silent_on_what_is_in_order(name: str, tmp_path: Path) -> None:
    _write_rules(tmp_path)
    _promtool("test", "rules", _test_file(tmp_path, CASES[name].quiet, CASES[name], name, []))


def test_every_alert_but_the_watchdog_has_a_case() -> None:
    assert set(alerts(everything())) == {*CASES, WATCHDOG}


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


@pytest.mark.parametrize("name", sorted({*CASES, WATCHDOG}))
def test_alert_has_severity_summary_and_a_runbook_that_exists(name: str) -> None:
    rule = alerts(everything())[name]
    page, _, section = rule["annotations"]["runbook_url"].partition("#")
    headings = re.findall(r"^### (\S+)$", (ROOT / "docs/operations.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert rule["labels"]["severity"] in {"critical", "warning", "none"}
    assert rule["annotations"]["summary"]
    assert page.endswith("/docs/operations.md")
    assert section == name.lower()
    assert name in headings


def test_the_page_of_runbooks_can_be_elsewhere() -> None:
    config = {"monitoring": {"enabled": True, "alerts": {"runbooks": "https://wiki.example.com/arches"}}}
    urls = {rule["annotations"]["runbook_url"] for rule in alerts(render(config)).values()}
    assert "https://wiki.example.com/arches#targetdown" in urls


def test_thresholds_follow_the_settings() -> None:
    objectives = {"availability": 99.5, "latency": 95, "latencySeconds": 0.5}
    config = {"monitoring": {"enabled": True, "objectives": objectives}}
    built = render(config)
    assert "> 0.072" in alerts(built)["ApiErrorBudgetBurnsFast"]["expr"]
    assert "> 0.05)" in alerts(built)["ApiLatencyBudgetBurnsSlow"]["expr"]
    slow = next(rule["expr"] for rule in rules(built) if rule.get("record") == "namespace:api_slow:ratio_rate5m")
    assert 'le=~"0.5"' in slow


def test_rules_follow_the_modules() -> None:
    names = set(alerts(render(ON)))
    assert {"ApiErrorRateHigh", "DatabaseUnreachable", "MigrationFailed"} <= names
    assert not {name for name in names if name.startswith(("Redis", "Certificate", "Node"))}


def test_rules_on_the_apis_own_metrics_go_with_its_scrape() -> None:
    built = render({"monitoring": {"enabled": True, "metrics": {"api": False}}})
    assert not {name for name in alerts(built) if name.startswith("Api")}
    assert "archesai-api" not in alerts(built)["TargetMissing"]["expr"]
