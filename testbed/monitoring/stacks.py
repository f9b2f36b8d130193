"""Stacks with monitoring, and what they hold for Prometheus and Grafana."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from archesai_infra.stack.config import load
from archesai_infra.stack.evaluate import Evaluation
from archesai_infra.stack.settings import Settings
from testbed.stacks import DEVELOPMENT, Config, raw, render

ON: Config = {"monitoring": {"enabled": True}}
INGRESS: dict[str, Any] = {
    "enabled": True,
    "tls": {"enabled": True, "issuer": "letsencrypt-prod"},
    "controller": {"install": True},
    "certManager": {"install": True},
}
EVERYTHING: Config = {
    "monitoring": {"enabled": True, "metrics": {"nodes": True, "api": True}, "grafana": {"size": "5Gi"}},
    "redis": {"enabled": True},
    "storage": {"enabled": True, "server": "minio"},
    "ingress": INGRESS | {"hosts": {"grafana": "grafana"}},
}
"""Every module that monitoring follows."""

BACKED_UP: Config = EVERYTHING | {
    "backups": {"enabled": True, "bucket": "elsewhere", "drill": {"enabled": True}},
    "backupsAccessKey": "made-up",
    "backupsSecretKey": "made-up",
}
"""And backups, which have rules of their own."""


REPLICATED: Config = ON | {"redis": {"enabled": True, "mode": "replicated"}}
"""A replicated redis, which has rules of its own in place of those on one server."""


@cache
def replicated() -> Evaluation:
    """The stack with a replicated redis."""
    return render(REPLICATED)


@cache
def everything() -> Evaluation:
    """The stack with all that can be watched."""
    return render(EVERYTHING)


@cache
def backed_up() -> Evaluation:
    """And that with backups: every rule there is."""
    return render(BACKED_UP)


def settings(config: Config) -> Settings:
    """The settings of a development stack."""
    return load(raw(DEVELOPMENT | config))[0]


def of_kind(evaluation: Evaluation, kind: str) -> dict[str, dict[str, Any]]:
    """Objects of a kind by name."""
    return {item["metadata"]["name"]: item for item in evaluation.objects if item["kind"] == kind}


def rule_groups(evaluation: Evaluation) -> list[dict[str, Any]]:
    """The groups of every PrometheusRule."""
    return [group for item in of_kind(evaluation, "PrometheusRule").values() for group in item["spec"]["groups"]]


def rules(evaluation: Evaluation) -> list[dict[str, Any]]:
    """All rules, in order."""
    return [rule for group in rule_groups(evaluation) for rule in group["rules"]]


def alerts(evaluation: Evaluation) -> dict[str, dict[str, Any]]:
    """Alerting rules by name."""
    return {rule["alert"]: rule for rule in rules(evaluation) if "alert" in rule}


def dashboards(evaluation: Evaluation) -> dict[str, dict[str, Any]]:
    """Dashboards as Grafana reads them, by their key."""
    return {
        name.removeprefix("archesai-dashboard-"): json.loads(text)
        for name, item in of_kind(evaluation, "ConfigMap").items()
        if item["metadata"]["labels"].get("grafana_dashboard") == "1"
        for text in item["data"].values()
    }


def queries(evaluation: Evaluation, source: str) -> dict[str, str]:
    """Every expression of every panel of one kind of data source, by where it stands."""
    return {
        f"{key}: {panel['title']} {target['refId']}": target["expr"]
        for key, dashboard in dashboards(evaluation).items()
        for panel in dashboard["panels"]
        for target in panel["targets"]
        if target["datasource"]["type"] == source
    }


def release(evaluation: Evaluation, name: str) -> dict[str, Any]:
    """Inputs of a Helm release by its name in the cluster."""
    found = {item.inputs["name"]: dict(item.inputs) for item in evaluation.releases}
    return found[name]
