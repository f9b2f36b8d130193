"""Secrets that the External Secrets Operator fills from a store outside of the cluster.

https://external-secrets.io: operator and store are the cluster's. The program names the values and never sees them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field, model_validator

from archesai_infra.model import Model
from archesai_infra.types import DnsLabel, Duration

API = "external-secrets.io/v1"
RELOADER = {"reloader.stakater.com/auto": "true"}
"""Asks Stakater's Reloader to restart the pods of a workload when a Secret that they read changes."""
_PLACEHOLDER = re.compile(r"\{(\w*)\}")


class Value(StrEnum):
    """What a stack takes from a store, by the name that is the last part of its place there."""

    DATABASE_PASSWORD = "databasePassword"
    DATABASE_URL = "databaseUrl"
    REDIS_PASSWORD = "redisPassword"
    REDIS_EXPORTER = "redisExporterPassword"
    REDIS_DUMP = "redisDumpPassword"
    REDIS_RESTORE = "redisRestorePassword"
    REDIS_REPLICA = "redisReplicaPassword"
    REDIS_SENTINEL = "redisSentinelPassword"
    REDIS_PROXY = "redisProxyPassword"
    STORAGE_ACCESS_KEY = "storageAccessKey"
    STORAGE_SECRET_KEY = "storageSecretKey"
    STORAGE_API = "storageApiSecretKey"
    STORAGE_OBJECTS = "storageObjectsSecretKey"
    STORAGE_RESTORE = "storageRestoreSecretKey"
    STORAGE_LOGS = "storageLogsSecretKey"
    STORAGE_PROMETHEUS = "storagePrometheusSecretKey"
    STORAGE_BACKUPS = "storageBackupsSecretKey"
    API_JWT_SECRET = "apiJwtSecret"
    BACKUPS_ACCESS_KEY = "backupsAccessKey"
    BACKUPS_SECRET_KEY = "backupsSecretKey"
    BACKUPS_REPOSITORY_PASSWORD = "backupsRepositoryPassword"
    GRAFANA_ADMIN_PASSWORD = "grafanaAdminPassword"
    REGISTRY_PASSWORD = "registryPassword"
    ALERT_WEBHOOK_URL = "alertWebhookUrl"
    ALERT_SLACK_URL = "alertSlackUrl"
    ALERT_EMAIL_PASSWORD = "alertEmailPassword"
    ALERT_HEARTBEAT_URL = "alertHeartbeatUrl"

    @property
    def template(self) -> str:
        """The value in a template of the operator."""
        return f"{{{{ .{self} }}}}"

    @property
    def in_url(self) -> str:
        """The same escaped for any part of a URL: `urlquery` writes a space as `+`, which is right in a query only."""
        return f'{{{{ .{self} | urlquery | replace "+" "%20" }}}}'

    @property
    def in_json(self) -> str:
        """The same as a text of JSON, with its quotation marks."""
        return f"{{{{ .{self} | toJson }}}}"

    def derived(self, role: str) -> str:
        """A password of hexadecimal digits that follows from the value and does not tell it."""
        return f'{{{{ printf "%s/{role}" .{self} | sha256sum }}}}'


class RemoteKey(Model):
    """Place of one value in the store."""

    key: str = Field(min_length=1)
    """Key, path or name of the entry."""
    property: str | None = None
    """Field of the entry, where entries have several."""


class ExternalSecretsSettings(Model):
    """A store that the operator reads."""

    store: DnsLabel
    """Name of the store."""
    kind: Literal["ClusterSecretStore", "SecretStore"] = "ClusterSecretStore"
    """Kind of the store; a `SecretStore` has to be in every namespace that reads it."""
    key: str = "archesai/{stack}"
    """Entry that holds a value; `{stack}` and `{name}` stand for the stack and the value."""
    property: str | None = "{name}"
    """Field of the entry that holds a value; null where each value is an entry, whose key then has `{name}`."""
    keys: dict[Value, RemoteKey] = Field(default_factory=dict)
    """Places of single values that are elsewhere in the store."""
    alerts: tuple[Literal["alertWebhookUrl", "alertSlackUrl", "alertEmailPassword", "alertHeartbeatUrl"], ...] = ()
    """Receivers of alerts whose address or password is in the store."""
    refresh_interval: Duration = "1h0m0s"
    """How often the operator looks for new values."""
    reloader: bool = False
    """Mark workloads for Stakater's Reloader, which restarts their pods when a Secret that they read changes."""

    @model_validator(mode="after")
    def _places_differ(self) -> ExternalSecretsSettings:
        patterns = [self.key, self.property or ""]
        unknown = {name for text in patterns for name in _PLACEHOLDER.findall(text)} - {"stack", "name"}
        if unknown:
            raise ValueError(f"key and property may hold {{stack}} and {{name}} (got {{{min(unknown)}}})")
        if not any("{name}" in text for text in patterns):
            raise ValueError("key or property needs {name}, or all values would be the same entry")
        return self


@dataclass(frozen=True)
class ExternalStore:
    """The store as a stack uses it."""

    settings: ExternalSecretsSettings
    stack: str

    def place(self, value: Value) -> RemoteKey:
        """Where a value is."""
        if value in self.settings.keys:
            return self.settings.keys[value]

        def filled(text: str) -> str:
            return text.replace("{stack}", self.stack).replace("{name}", value)

        own = self.settings.property
        return RemoteKey(key=filled(self.settings.key), property=filled(own) if own else None)

    def spec(
        self, secret: str, data: Mapping[str, str], values: tuple[Value, ...], labels: Mapping[str, str], kind: str
    ) -> dict[str, Any]:
        """Spec of the ExternalSecret of a Secret of a kind (its `type`) whose keys are templates of values.

        Whatever the definition defaults is written out, so that no controller sees a difference.
        """
        settings = self.settings
        return {
            "refreshInterval": settings.refresh_interval,
            "secretStoreRef": {"kind": settings.kind, "name": settings.store},
            "target": {
                "name": secret,
                "creationPolicy": "Owner",
                "deletionPolicy": "Retain",
                "template": {
                    "engineVersion": "v2",
                    "mergePolicy": "Replace",
                    "type": kind,
                    "metadata": {"labels": dict(labels)},
                    "data": dict(data),
                },
            },
            "data": [{"secretKey": value.value, "remoteRef": self._reference(value)} for value in values],
        }

    def _reference(self, value: Value) -> dict[str, str]:
        place = self.place(value)
        strategies = {"conversionStrategy": "Default", "decodingStrategy": "None", "metadataPolicy": "None"}
        return strategies | {"key": place.key} | ({"property": place.property} if place.property else {})
