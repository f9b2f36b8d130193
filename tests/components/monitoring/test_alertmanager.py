"""Alertmanager: its configuration is one that it takes, and each alert reaches the one it is meant for."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from archesai_infra.components.monitoring.alertmanager import configuration
from archesai_infra.credentials import Credential
from testbed.monitoring.programs import program
from testbed.monitoring.stacks import ON, of_kind, settings
from testbed.stacks import Config, render

EMAIL = {"to": "ops@example.com", "sender": "alerts@example.com", "server": "mail.example.com:587"}
SECRETS = {
    Credential.ALERT_WEBHOOK_URL: "https://hooks.example.com/made-up",
    Credential.ALERT_SLACK_URL: "https://slack.example.com/made-up",
    Credential.ALERT_EMAIL_PASSWORD: "made-up",
    Credential.ALERT_HEARTBEAT_URL: "https://heartbeat.example.com/made-up",
}
EVERY_WAY: Config = {"monitoring": {"enabled": True, "alerts": {"email": EMAIL, "slackChannel": "#alerts"}}}


def _built(config: Config, secrets: dict[Credential, str]) -> dict[str, Any]:
    given = {str(key): value for key, value in secrets.items()}
    return configuration(settings(config | given).monitoring.alerts, secrets)


def _amtool(directory: Path, document: dict[str, Any], *arguments: str) -> str:
    path = directory / "alertmanager.yaml"
    path.write_text(json.dumps(document), encoding="utf-8")
    command = [program("amtool"), *(argument.format(path=path) for argument in arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("secrets", [{}, SECRETS], ids=["nobody", "every way"])
def test_alertmanager_takes_it(secrets: dict[Credential, str], tmp_path: Path) -> None:
    config = EVERY_WAY if secrets else ON
    assert "SUCCESS" in _amtool(tmp_path, _built(config, secrets), "check-config", "{path}")


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (["alertname=Watchdog", "severity=none"], "heartbeat"),
        (["alertname=DatabaseUnreachable", "severity=critical"], "team"),
        (["alertname=TargetDown", "severity=warning"], "team"),
    ],
)
def test_alert_reaches_the_receiver_it_is_meant_for(labels: list[str], receiver: str, tmp_path: Path) -> None:
    document = _built(EVERY_WAY, SECRETS)
    routes = ["config", "routes", "test", "--config.file={path}", f"--verify.receivers={receiver}", *labels]
    assert receiver in _amtool(tmp_path, document, *routes)


def test_every_credential_is_a_receiver_of_its_own() -> None:
    team = _built(EVERY_WAY, SECRETS)["receivers"][1]
    assert [receiver["url"] for receiver in team["webhook_configs"]] == ["https://hooks.example.com/made-up"]
    assert [receiver["channel"] for receiver in team["slack_configs"]] == ["#alerts"]
    assert [(receiver["to"], receiver["require_tls"]) for receiver in team["email_configs"]] == [
        ("ops@example.com", True)
    ]
    assert _built(ON, {})["receivers"][1] == {"name": "team"}


def test_the_secret_holds_what_alertmanager_reads() -> None:
    webhook = {"alertWebhookUrl": "https://hooks.example.com/made-up"}
    secret = of_kind(render(ON | webhook, reveal=True), "Secret")["alertmanager-config"]
    assert secret["metadata"]["namespace"] == "monitoring"
    document = json.loads(secret["stringData"]["alertmanager.yaml"])
    assert document == _built(ON, {Credential.ALERT_WEBHOOK_URL: "https://hooks.example.com/made-up"})
