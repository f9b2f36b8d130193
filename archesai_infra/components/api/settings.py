"""Settings of the api, and what its credentials lack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, JsonValue, model_validator

from archesai_infra import versions
from archesai_infra.components.api.health import Health
from archesai_infra.components.base.peers import Egress
from archesai_infra.components.base.settings import Resources, ScaledModule, resources
from archesai_infra.credentials import Credential
from archesai_infra.kube.names import object_name
from archesai_infra.model import Model
from archesai_infra.types import DnsLabel, DottedPath, SecretKeyName

MODULE = "api"
NAME = object_name("api")
PORT = 3001
JWT_KEY = "JWT_SECRET"

OWNED = (
    "api.port",
    "auth.local.jwtSecret",
    "database.enabled",
    "database.url",
    "database.runMigrations",
    "redis.enabled",
    "redis.host",
    "redis.port",
    "redis.auth",
    "storage.enabled",
    "storage.endpoint",
    "storage.bucket",
    "storage.accesskey",
    "storage.secretkey",
)
"""Settings of the api that follow from the stack; setting them by hand is refused."""


class SecretReference(Model):
    """One key of a Secret that others made."""

    secret: DnsLabel
    """Name of the Secret, in the stack's namespace."""
    key: SecretKeyName
    """Key in it."""


class ApiSettings(ScaledModule):
    """The Arches api."""

    default_image = versions.API

    enabled: bool = True
    """Run the module."""
    resources: Resources = resources(("500m", "512Mi"), ("1", "1Gi"))
    """CPU and memory."""
    command: tuple[str, ...] = ()
    """Command in place of the image's own."""
    health: Health = Health()
    """Probes."""
    url: str | None = None
    """Public URL; `https://api.<domain>` where the ingress is on."""
    cors: str | None = None
    """Origins allowed to call the api from a browser, comma-separated; the platform's URL where it is not set."""
    log_level: Literal["debug", "info", "warn", "error"] = "info"
    """Lowest level that is logged."""
    log_pretty: bool = False
    """Human-readable log lines instead of JSON."""
    auth: bool = True
    """Require login."""
    settings: dict[str, JsonValue] = Field(default_factory=dict)
    """Free settings of the api by its own names, such as `intelligence.llm.endpoint`; nested or as dotted paths."""
    secret_settings: dict[DottedPath, SecretReference] = Field(default_factory=dict)
    """Secret settings by dotted path, each a key of a Secret that others made; ours go into `apiSecretSettings`."""
    existing_secret: DnsLabel | None = None
    """Existing Secret with the key `JWT_SECRET`."""
    password_version: int = Field(default=1, ge=1)
    """Raise it to regenerate the generated signing key; everyone logs in again."""
    egress: tuple[Egress, ...] = ()
    """More addresses the api may reach, such as a model server in a private network."""
    kubernetes_access: bool = False
    """Give the pods their service account's token and let them reach `cluster.apiServer`; `archesai-role` lets them
    read pods, services and deployments of the namespace."""

    @model_validator(mode="after")
    def _free_settings(self) -> Self:
        paths = [*flatten(self.settings), *self.secret_settings]
        taken = sorted(set(paths) & set(OWNED))
        if taken:
            raise ValueError(f"settings.{', '.join(taken)}: set by other settings of the stack; remove it here")
        twice = sorted(set(flatten(self.settings)) & set(self.secret_settings))
        if twice:
            raise ValueError(f"settings.{', '.join(twice)}: also in secretSettings; keep only one")
        return self


def flatten(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings as dotted path to value."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict) and value:
            flat |= flatten(value, f"{path}.")
        else:
            flat[path] = value
    return flat


def requirements(settings: ApiSettings, given: Mapping[Credential, object]) -> list[str]:
    """What the credentials have too much of, each as `key: problem and cure`."""
    if settings.existing_secret and Credential.API_JWT_SECRET in given:
        return ["api.existingSecret: apiJwtSecret is also set; keep only one"]
    return []
