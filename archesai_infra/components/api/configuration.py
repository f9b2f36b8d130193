"""The api's configuration: its file, its environment, and what each connection adds to them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import yaml

from archesai_infra.components.api.settings import PORT, ApiSettings, flatten
from archesai_infra.components.base.connections import Connections
from archesai_infra.components.storage import StorageConnection, users
from archesai_infra.credentials import Credentials
from archesai_infra.kube.pods import SecretKey
from archesai_infra.kube.volumes import Mount


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


def database_variables(url: SecretKey) -> dict[str, SecretKey]:
    """The connection URL by its documented name and by the one that the server really reads."""
    return {"DATABASE_URL": url, variable("database.url"): url}


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
    if store := storage_of(connections):
        optional |= {"storage.endpoint": args.storage_url or store.url, "storage.bucket": store.bucket}
    flat |= {path: value for path, value in optional.items() if value is not None}
    return flat | flatten(settings.settings)


def secret_settings(args: ApiArgs, own: Mapping[str, SecretKey]) -> dict[str, SecretKey]:
    """Where each secret setting of the api lives, by dotted path."""
    connections = args.connections
    found = dict(own)
    if connections.database:
        found["database.url"] = connections.database.pooled or connections.database.url
    if connections.redis:
        found |= {"redis.auth": connections.redis.password} if connections.redis.password else {}
    if store := storage_of(connections):
        found |= {"storage.accesskey": store.access_key, "storage.secretkey": store.secret_key}
    return found | {path: SecretKey(ref.secret, ref.key) for path, ref in args.settings.secret_settings.items()}


def storage_of(connections: Connections) -> StorageConnection | None:
    """The object storage as the api's own user reaches it, if there is one."""
    return connections.storage.connection(users.API) if connections.storage else None


def configuration(args: ApiArgs, own: Mapping[str, SecretKey], values: Sequence[pulumi.Output[str]]) -> Configuration:
    """The file and the environment of the api and of its migrations."""
    secret = secret_settings(args, own)
    flat = plain_settings(args) | dict.fromkeys(secret, "")
    variables = {variable(path): secret[path] for path in sorted(secret)}
    if args.connections.database:
        database = args.connections.database
        variables |= database_variables(database.pooled or database.url)
    used = (args.connections.database, args.connections.redis, storage_of(args.connections))
    seen = tuple(value for connection in used if connection for value in connection.secret_values)
    # Loaded from JSON so that the dumper meets plain types only.
    text = yaml.safe_dump(json.loads(json.dumps(nest(flat))), sort_keys=True)
    database = args.connections.database
    mounts = [mount for used in (database, args.connections.redis) if used for mount in used.mounts]
    return Configuration(text, variables, (*values, *seen), database.variables if database else {}, mounts)
