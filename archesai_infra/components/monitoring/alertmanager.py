"""Alertmanager's configuration: who hears of an alert."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from archesai_infra.components.base.external_secrets import Value
from archesai_infra.components.monitoring.prometheus import RELEASE
from archesai_infra.components.monitoring.settings import Alerts
from archesai_infra.credentials import Credential, Credentials

CONFIG_KEY = "alertmanager.yaml"
WATCHDOG = "Watchdog"
"""An alert that always fires: its absence shows that alerts do not get out."""
_TEAM = "team"
_HEARTBEAT = "heartbeat"
_SECRETS = (
    Credential.ALERT_WEBHOOK_URL,
    Credential.ALERT_SLACK_URL,
    Credential.ALERT_EMAIL_PASSWORD,
    Credential.ALERT_HEARTBEAT_URL,
)

PORT = 9093


def url(namespace: str) -> str:
    """Address of Alertmanager inside the cluster."""
    return f"http://{RELEASE}-alertmanager.{namespace}:{PORT}/"


def configuration(settings: Alerts, secrets: Mapping[Credential, str]) -> dict[str, Any]:
    """The configuration for the receivers that have a secret; without any, alerts show in Grafana only."""
    receiver: dict[str, Any] = {"name": _TEAM}
    if url := secrets.get(Credential.ALERT_WEBHOOK_URL):
        receiver["webhook_configs"] = [{"url": url, "send_resolved": True}]
    if url := secrets.get(Credential.ALERT_SLACK_URL):
        receiver["slack_configs"] = [_slack(settings, url)]
    if (password := secrets.get(Credential.ALERT_EMAIL_PASSWORD)) and settings.email is not None:
        receiver["email_configs"] = [
            {
                "to": settings.email.to,
                "from": settings.email.sender,
                "smarthost": settings.email.server,
                "auth_username": settings.email.username or settings.email.sender,
                "auth_password": password,
                "require_tls": True,
                "send_resolved": True,
            }
        ]
    heartbeat: dict[str, Any] = {"name": _HEARTBEAT}
    if url := secrets.get(Credential.ALERT_HEARTBEAT_URL):
        heartbeat["webhook_configs"] = [{"url": url, "send_resolved": False}]
    return {
        "route": _route(),
        "inhibit_rules": [_critical_hides_warning()],
        "receivers": [heartbeat, receiver],
    }


def _route() -> dict[str, Any]:
    # People must not get the alert that always fires; a service that misses it must get it often.
    watchdog = {
        "matchers": [f'alertname="{WATCHDOG}"'],
        "receiver": _HEARTBEAT,
        "group_wait": "0s",
        "group_interval": "1m",
        "repeat_interval": "50s",
    }
    critical = {"matchers": ['severity="critical"'], "receiver": _TEAM, "repeat_interval": "1h"}
    return {
        "receiver": _TEAM,
        "group_by": ["alertname", "namespace"],
        "group_wait": "30s",
        "group_interval": "5m",
        "repeat_interval": "12h",
        "routes": [watchdog, critical],
    }


def _critical_hides_warning() -> dict[str, Any]:
    return {
        "source_matchers": ['severity="critical"'],
        "target_matchers": ['severity="warning"'],
        "equal": ["alertname", "namespace"],
    }


def _slack(settings: Alerts, url: str) -> dict[str, Any]:
    line = "*{{ .Labels.severity }}* {{ .Annotations.summary }} <{{ .Annotations.runbook_url }}|runbook>"
    text = f"{{{{ range .Alerts }}}}{line}\n{{{{ end }}}}"
    channel = {"channel": settings.slack_channel} if settings.slack_channel else {}
    return {"api_url": url, "send_resolved": True, "title": "{{ .GroupLabels.alertname }}", "text": text} | channel


def template(settings: Alerts, values: Sequence[Value]) -> str:
    """The configuration as a template of the operator that fills it with `values` of the stack's store."""
    text = json.dumps(configuration(settings, {Credential(value): _place(value) for value in values}), sort_keys=True)
    # Alertmanager's own templates must come through the operator's as they are.
    text = text.replace("{{", '{{ "{{" }}')
    for value in values:
        text = text.replace(f'"{_place(value)}"', value.in_json)
    return text


def _place(value: Value) -> str:
    """What stands for a value until the template has it."""
    return f"@{value}@"


def document(settings: Alerts, credentials: Credentials) -> pulumi.Output[str]:
    """The configuration as a secret text; JSON is YAML too."""
    given = {key: value for key in _SECRETS if (value := credentials.get(key)) is not None}

    def write(values: list[str]) -> str:
        return json.dumps(configuration(settings, dict(zip(given, values, strict=True))), sort_keys=True)

    return pulumi.Output.secret(pulumi.Output.all(*given.values()).apply(write))
