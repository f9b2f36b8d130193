"""Secret values as Outputs: they never enter a settings model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import pulumi


class Credential(StrEnum):
    """Flat secret configuration keys, set with `arches config set <key>`."""

    DATABASE_PASSWORD = "databasePassword"
    DATABASE_URL = "databaseUrl"
    REDIS_PASSWORD = "redisPassword"
    STORAGE_ACCESS_KEY = "storageAccessKey"
    STORAGE_SECRET_KEY = "storageSecretKey"
    API_JWT_SECRET = "apiJwtSecret"
    API_SECRET_SETTINGS = "apiSecretSettings"
    REGISTRY_PASSWORD = "registryPassword"
    BACKUPS_ACCESS_KEY = "backupsAccessKey"
    BACKUPS_SECRET_KEY = "backupsSecretKey"
    BACKUPS_REPOSITORY_PASSWORD = "backupsRepositoryPassword"
    GRAFANA_ADMIN_PASSWORD = "grafanaAdminPassword"
    ALERT_WEBHOOK_URL = "alertWebhookUrl"
    ALERT_SLACK_URL = "alertSlackUrl"
    ALERT_EMAIL_PASSWORD = "alertEmailPassword"
    ALERT_HEARTBEAT_URL = "alertHeartbeatUrl"


@dataclass(frozen=True)
class Credentials:
    """The secret values that the stack's configuration gives; the others are generated or live in a Secret."""

    values: Mapping[Credential, pulumi.Output[str]] = field(default_factory=dict)
    api_settings: Mapping[str, pulumi.Output[str]] = field(default_factory=dict)
    """`apiSecretSettings`, taken apart: dotted path of an api setting to its secret value."""

    def get(self, credential: Credential) -> pulumi.Output[str] | None:
        """The configured value, if there is one."""
        return self.values.get(credential)
