"""What a stack file cannot ask of monitoring, in the words it is refused with."""

from __future__ import annotations

import pytest

from archesai_infra.stack.config import ConfigError, load
from testbed.monitoring.stacks import settings
from testbed.stacks import DEVELOPMENT, Config, raw

EMAIL = {"to": "ops@example.com", "sender": "alerts@example.com", "server": "mail.example.com:587"}

OIDC = {
    "clientId": "grafana",
    "existingSecret": "grafana-oidc",
    "authUrl": "https://id.example.com/authorize",
    "tokenUrl": "https://id.example.com/token",
    "apiUrl": "https://id.example.com/userinfo",
    "roleAttributePath": "'Viewer'",
}

REFUSED: list[tuple[Config, str]] = [
    (
        {"monitoring": {"enabled": True, "grafana": {"oidc": OIDC}}},
        (
            "monitoring.grafana.oidc: the provider sends browsers back to Grafana's host: "
            "set ingress.enabled to true and ingress.hosts.grafana"
        ),
    ),
    (
        {"monitoring": {"enabled": True, "grafana": {"existingSecret": "mine"}}, "grafanaAdminPassword": "x"},
        "monitoring.grafana.existingSecret: grafanaAdminPassword is also set; keep only one",
    ),
    (
        {"monitoring": {"enabled": True, "alerts": {"existingSecret": "mine"}}, "alertSlackUrl": "x"},
        "monitoring.alerts.existingSecret: alertSlackUrl is also set; keep only one",
    ),
    (
        {"monitoring": {"enabled": True, "alerts": {"email": EMAIL}}},
        "monitoring.alerts.email: needs its password: arches config set alertEmailPassword",
    ),
    (
        {"monitoring": {"enabled": True}, "alertEmailPassword": "x"},
        "alertEmailPassword: needs the address it belongs to: set monitoring.alerts.email",
    ),
    (
        {"monitoring": {"enabled": True, "alerts": {"slackChannel": "#alerts"}}},
        "monitoring.alerts.slackChannel: needs its URL: arches config set alertSlackUrl",
    ),
    (
        {"monitoring": {"enabled": True, "logs": {"storage": "objectStorage"}}},
        "monitoring.logs.storage: needs module storage, which is off: set storage.enabled to true, or remove the key",
    ),
    (
        {
            "monitoring": {"enabled": True, "logs": {"storage": "objectStorage"}},
            "storage": {"enabled": True, "mode": "external", "host": "s3.example.com", "existingSecret": "mine"},
        },
        (
            "monitoring.logs.existingSecret: the storage's keys are in a Secret that others made: "
            "copy it into the monitoring namespace and name it here"
        ),
    ),
    (
        {"monitoring": {"enabled": True, "namespace": "archesai"}},
        "monitoring.namespace: must not be the same as namespace (got archesai)",
    ),
    (
        {"ingress": {"enabled": True, "hosts": {"grafana": "watch"}}},
        "ingress.hosts.grafana: needs a Grafana: set monitoring.enabled to true, or remove the key",
    ),
    (
        {"monitoring": {"enabled": True, "objectives": {"latencySeconds": 0.7}}},
        (
            "monitoring.objectives: latencySeconds must be one of "
            "0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10 (got 0.7)"
        ),
    ),
]


@pytest.mark.parametrize(("config", "message"), REFUSED)
def test_what_does_not_fit_is_refused_with_its_cure(config: Config, message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(raw(DEVELOPMENT | config))
    assert f"Pulumi.dev.yaml: {message}" in refused.value.reasons


def test_retention_is_the_documented_one_where_nothing_is_said() -> None:
    monitoring = settings({"monitoring": {"enabled": True}}).monitoring
    assert (monitoring.metrics.retention_days, monitoring.logs.retention_days) == (90, 30)


def test_metrics_leave_room_on_their_volume() -> None:
    config: Config = {"monitoring": {"enabled": True, "metrics": {"size": "50Gi"}}}
    assert settings(config).monitoring.metrics.retention_size == "43520MB"


def _production(monitoring: Config, **credentials: str) -> Config:
    pinned = {"image": {"tag": "v1.0.0"}}
    return {"environment": "production", "api": pinned, "platform": pinned, "monitoring": monitoring, **credentials}


def test_production_refuses_alerts_that_notify_nobody() -> None:
    with pytest.raises(ConfigError, match="alerts notify nobody in production"):
        settings(_production({"enabled": True}))


@pytest.mark.parametrize(
    "config",
    [
        _production({"enabled": True, "alerts": {"unattended": True}}),
        _production({"enabled": True, "alerts": {"existingSecret": "theirs"}}),
        _production({"enabled": True}, alertSlackUrl="https://slack.example.com/made-up"),
        _production({"enabled": True, "operator": "existing"}),
        _production({"enabled": False}),
    ],
    ids=["accepted", "own configuration", "receiver", "another operator", "no monitoring"],
)
def test_production_takes_monitoring_with_a_receiver_or_without_on_purpose(config: Config) -> None:
    assert settings(config).production
