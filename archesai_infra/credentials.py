"""Secret values as Outputs: they never enter a settings model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import pulumi


class Credential(StrEnum):
    """Flat secret configuration keys, set with `pulumi config set --secret <key>`."""

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


DESCRIPTIONS: Mapping[Credential, str] = {
    Credential.DATABASE_PASSWORD: "Password of the database user; generated for a managed database.",
    Credential.DATABASE_URL: "Whole connection URL of an external database, instead of host, user and password.",
    Credential.REDIS_PASSWORD: "Password of redis; generated for a managed redis.",
    Credential.STORAGE_ACCESS_KEY: "Access key of the object storage; generated for a managed storage.",
    Credential.STORAGE_SECRET_KEY: "Secret key of the object storage; generated for a managed storage.",
    Credential.API_JWT_SECRET: "Key that signs the api's session tokens; generated where it is not set.",
    Credential.API_SECRET_SETTINGS: "Secret settings of the api as a JSON object of dotted path to value.",
    Credential.REGISTRY_PASSWORD: "Password or token of the image registry; makes the pull secret `regcred`.",
    Credential.BACKUPS_ACCESS_KEY: "Access key of the backups' bucket.",
    Credential.BACKUPS_SECRET_KEY: "Secret key of the backups' bucket.",
    Credential.BACKUPS_REPOSITORY_PASSWORD: "Password that encrypts the volumes in the backups; generated if not set.",
    Credential.GRAFANA_ADMIN_PASSWORD: "Password of Grafana's user `admin`; generated where it is not set.",
    Credential.ALERT_WEBHOOK_URL: "URL that alerts are posted to.",
    Credential.ALERT_SLACK_URL: "Incoming webhook of Slack that alerts are posted to.",
    Credential.ALERT_EMAIL_PASSWORD: "Password of the mail user that sends alerts.",
    Credential.ALERT_HEARTBEAT_URL: "URL that gets a request each minute while alerts can leave the cluster.",
}


@dataclass(frozen=True)
class Credentials:
    """The secret values that the stack's configuration gives; the others are generated or live in a Secret."""

    values: Mapping[Credential, pulumi.Output[str]] = field(default_factory=dict)
    api_settings: Mapping[str, pulumi.Output[str]] = field(default_factory=dict)
    """`apiSecretSettings`, taken apart: dotted path of an api setting to its secret value."""

    def get(self, credential: Credential) -> pulumi.Output[str] | None:
        """The configured value, if there is one."""
        return self.values.get(credential)
