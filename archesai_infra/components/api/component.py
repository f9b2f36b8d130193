"""The Arches api: a Go REST server, configured by a file and by references to Secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self

import pulumi
import yaml
from pydantic import Field, JsonValue, model_validator

from archesai_infra import versions
from archesai_infra.components.api.health import Health
from archesai_infra.components.base.component import FilledSecret, secret_key
from archesai_infra.components.base.connections import Connections
from archesai_infra.components.base.context import Context, Endpoint
from archesai_infra.components.base.external_secrets import Value
from archesai_infra.components.base.peers import PodPeer
from archesai_infra.components.base.pods import Pod, RunningComponent
from archesai_infra.components.base.settings import Resources, ScaledModule, resources
from archesai_infra.components.database import DatabaseConnection
from archesai_infra.components.storage import StorageConnection, users
from archesai_infra.credentials import Credential, Credentials
from archesai_infra.kube.names import object_name
from archesai_infra.kube.pods import (
    Mount,
    SecretKey,
    config_files,
    container,
    environment,
    scratch,
    stop_by_interrupt,
)
from archesai_infra.model import Model
from archesai_infra.types import Cidr, DnsLabel, DottedPath, Port, SecretKeyName

MODULE = "api"
NAME = object_name("api")
PORT = 3001
CONFIG_PATH = "/etc/archesai"
"""Where the api looks for `config.yaml`, after its working directory."""
JWT_KEY = "JWT_SECRET"
DRAIN_SECONDS = 5
GRACE_SECONDS = 30
"""Drain, then the 10 s the server gives its requests, then a margin."""

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


class Egress(Model):
    """Addresses or pods that the api may reach besides the public internet on 443."""

    cidr: Cidr | None = None
    """Network of the addresses."""
    pods: PodPeer | None = None
    """Pods of another namespace in the same cluster, in place of a network."""
    ports: tuple[Port, ...] = Field(min_length=1)
    """TCP ports; for pods those that they listen on."""

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if (self.cidr is None) == (self.pods is None):
            raise ValueError("needs one of cidr and pods, and not both")
        return self


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


@dataclass(frozen=True)
class ApiArgs:
    """What the component is built from."""

    settings: ApiSettings
    credentials: Credentials
    connections: Connections
    url: str | None
    platform_url: str | None
    storage_url: str | None
    """Endpoint of the storage where it is not the one that the other components use."""
    run_migrations: bool
    """The api migrates the database itself when it starts."""
    waits_for: tuple[pulumi.Resource, ...] = ()
    """What has to be done before this version of the api may roll: its migrations."""


@dataclass(frozen=True)
class Configuration:
    """The api's configuration, split by who may see it."""

    file: str
    """`config.yaml`; secret settings are empty strings in it, because the api takes a setting from its environment
    only when the file names it."""
    environment: Mapping[str, SecretKey]
    secret_values: tuple[pulumi.Output[str], ...]
    plain: Mapping[str, str] = field(default_factory=dict[str, str])
    """Environment in clear, which is no setting of the api."""
    mounts: Sequence[Mount] = ()
    """Certificates of what it connects to."""


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


def nest(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted paths as nested settings, in order of their names."""
    nested: dict[str, Any] = {}
    for path in sorted(flat):
        *parents, leaf = path.split(".")
        place = nested
        for parent in parents:
            place = place.setdefault(parent, {})
        place[leaf] = flat[path]
    return nested


def variable(path: str) -> str:
    """The environment variable that overrides a setting of the file."""
    return "ARCHES_" + path.replace(".", "_").replace("-", "_").upper()


def database_variables(database: DatabaseConnection) -> dict[str, SecretKey]:
    """The connection URL by its documented name and by the one that the server really reads."""
    return {"DATABASE_URL": database.url, variable("database.url"): database.url}


def plain_settings(args: ApiArgs) -> dict[str, Any]:
    """The api's settings without its secrets, as dotted path to value."""
    settings, connections = args.settings, args.connections
    flat: dict[str, Any] = {
        # Builds that read it listen on IPv4 only; others on every address. `api.settings` may name another.
        "api.host": "0.0.0.0",  # noqa: S104 - the pod's own address
        "api.port": PORT,
        "auth.enabled": settings.auth,
        "auth.local.enabled": settings.auth,
        "database.enabled": connections.database is not None,
        "database.type": "postgresql",
        "database.runMigrations": args.run_migrations,
        "redis.enabled": connections.redis is not None,
        "storage.enabled": connections.storage is not None,
        "logging.level": settings.log_level,
        "logging.pretty": settings.log_pretty,
    }
    optional: dict[str, Any] = {
        "api.url": args.url,
        "api.cors": settings.cors or args.platform_url,
        "platform.url": args.platform_url,
        "intelligence.scraper.endpoint": connections.scraper.url if connections.scraper else None,
        "intelligence.unstructured.endpoint": connections.unstructured.url if connections.unstructured else None,
    }
    if connections.redis:
        optional |= {"redis.host": connections.redis.endpoint.host, "redis.port": connections.redis.endpoint.port}
        optional |= {"redis.ca": connections.redis.certificate_file}
    if store := _storage(connections):
        optional |= {"storage.endpoint": args.storage_url or store.url, "storage.bucket": store.bucket}
    flat |= {path: value for path, value in optional.items() if value is not None}
    return flat | flatten(settings.settings)


def secret_settings(args: ApiArgs, own: Mapping[str, SecretKey]) -> dict[str, SecretKey]:
    """Where each secret setting of the api lives, by dotted path."""
    connections = args.connections
    found = dict(own)
    if connections.database:
        found["database.url"] = connections.database.url
    if connections.redis:
        found |= {"redis.auth": connections.redis.password} if connections.redis.password else {}
    if store := _storage(connections):
        found |= {"storage.accesskey": store.access_key, "storage.secretkey": store.secret_key}
    return found | {path: SecretKey(ref.secret, ref.key) for path, ref in args.settings.secret_settings.items()}


def _storage(connections: Connections) -> StorageConnection | None:
    return connections.storage.connection(users.API) if connections.storage else None


def configuration(args: ApiArgs, own: Mapping[str, SecretKey], values: Sequence[pulumi.Output[str]]) -> Configuration:
    """The file and the environment of the api and of its migrations."""
    secret = secret_settings(args, own)
    flat = plain_settings(args) | dict.fromkeys(secret, "")
    variables = {variable(path): secret[path] for path in sorted(secret)}
    if args.connections.database:
        variables |= database_variables(args.connections.database)
    used = (args.connections.database, args.connections.redis, _storage(args.connections))
    seen = tuple(value for connection in used if connection for value in connection.secret_values)
    # Loaded from JSON so that the dumper meets plain types only.
    text = yaml.safe_dump(json.loads(json.dumps(nest(flat))), sort_keys=True)
    database = args.connections.database
    mounts = [mount for used in (database, args.connections.redis) if used for mount in used.mounts]
    return Configuration(text, variables, (*values, *seen), database.variables if database else {}, mounts)


class Api(RunningComponent):
    """The api's configuration and pods, or the process on the developer's machine in their place."""

    endpoint: Endpoint

    def __init__(self, context: Context, args: ApiArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Api", MODULE, context, opts)
        settings = args.settings
        self.service(NAME, {"http": PORT}, settings.run_on_host)
        if settings.run_on_host is None:
            own, values = self._secrets(settings, args.credentials)
            store = _storage(args.connections)
            self.deployment(
                self._pod(settings, configuration(args, own, values)),
                replicas=settings.pods,
                autoscaling=settings.autoscaling,
                # No value flows from the migrations and the bucket's Job, yet schema and user come before the code.
                depends_on=[*args.waits_for, *(store.ready if store else ())],
            )
        self.endpoint = Endpoint(NAME, PORT)
        self.register_outputs({})

    def _secrets(
        self, settings: ApiSettings, credentials: Credentials
    ) -> tuple[dict[str, SecretKey], list[pulumi.Output[str]]]:
        data: dict[str, pulumi.Output[str]] = {variable(path): v for path, v in credentials.api_settings.items()}
        filled: FilledSecret | None = None
        if settings.existing_secret is None and self.context.external:
            value = Value.API_JWT_SECRET
            filled = self.external_secret(NAME, {JWT_KEY: value.template}, [value])
        elif settings.existing_secret is None:
            data[JWT_KEY] = credentials.get(Credential.API_JWT_SECRET) or self.generated(
                "jwt-secret", version=settings.password_version
            )
        secret = self.secret(NAME, data) if data else None
        own = {path: secret_key(secret, variable(path)) for path in credentials.api_settings if secret}
        owner = settings.existing_secret or filled or secret
        if owner is not None:
            own["auth.local.jwtSecret"] = secret_key(owner, JWT_KEY)
        return own, list(data.values())

    def _pod(self, settings: ApiSettings, config: Configuration) -> Pod:
        files = self.config_map("config", {"config.yaml": config.file})
        mounts = [
            config_files("config", CONFIG_PATH, files.metadata.name),
            scratch("tmp", "/tmp", "256Mi"),
            *config.mounts,
        ]
        server = container(
            name="api",
            image=self.context.image(settings.image, versions.API),
            pull_policy=self.context.pull_policy,
            resources=settings.resources.requirements(),
            command=settings.command,
            env=environment(config.plain, config.environment),
            ports={"http": PORT},
            mounts=mounts,
            probes=settings.health.probes(PORT),
            lifecycle=stop_by_interrupt(DRAIN_SECONDS),
        )
        return Pod(
            NAME,
            [server],
            mounts,
            settings.scheduling,
            GRACE_SECONDS,
            config.secret_values,
            token=settings.kubernetes_access,
        )


def requirements(settings: ApiSettings, given: Mapping[Credential, object]) -> list[str]:
    """What the credentials have too much of, each as `key: problem and cure`."""
    if settings.existing_secret and Credential.API_JWT_SECRET in given:
        return ["api.existingSecret: apiJwtSecret is also set; keep only one"]
    return []
