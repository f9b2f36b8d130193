"""Where each credential of a stack comes from, and how it is regenerated."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from archesai_infra.credentials import DESCRIPTIONS, Credential
from archesai_infra.stack.settings import Settings

Origin = Literal["generated", "configuration", "existing Secret", "not set", "not used"]


class Place(NamedTuple):
    """Where the settings say something about a credential."""

    module: str
    existing: str
    """Key of the Secret that others make; empty where there is none."""
    version: str
    """Key whose rise regenerates a generated value; empty where none is generated, or none may be regenerated."""
    follows: str
    """What a new value does."""


_DATABASE = "the database's pod restarts and takes it over; the api rolls"
_STORAGE = "the storage's pod and the api roll"
PLACES: dict[Credential, Place] = {
    Credential.DATABASE_PASSWORD: Place("database", "database.existingSecret", "database.passwordVersion", _DATABASE),
    Credential.DATABASE_URL: Place("database", "database.existingSecret", "", "the api rolls"),
    Credential.REDIS_PASSWORD: Place(
        "redis", "redis.existingSecret", "redis.passwordVersion", "redis' pod and the api roll"
    ),
    Credential.STORAGE_ACCESS_KEY: Place("storage", "storage.existingSecret", "storage.passwordVersion", _STORAGE),
    Credential.STORAGE_SECRET_KEY: Place("storage", "storage.existingSecret", "storage.passwordVersion", _STORAGE),
    Credential.API_JWT_SECRET: Place(
        "api", "api.existingSecret", "api.passwordVersion", "the api rolls and everyone logs in again"
    ),
    Credential.GRAFANA_ADMIN_PASSWORD: Place(
        "monitoring",
        "monitoring.grafana.existingSecret",
        "monitoring.grafana.passwordVersion",
        "Grafana's pod rolls; with a volume of its own it takes the password from: arches secrets sync",
    ),
    Credential.BACKUPS_REPOSITORY_PASSWORD: Place("backups", "", "", ""),
}
"""Credentials that a module can generate or that have an existing Secret; all others are configuration or not set."""


class Held(NamedTuple):
    """Where the cluster keeps a credential of a module."""

    secret: str
    key: str


HELD: dict[Credential, Held] = {
    Credential.DATABASE_PASSWORD: Held("archesai-database", "POSTGRES_PASSWORD"),
    Credential.DATABASE_URL: Held("archesai-database", "DATABASE_URL"),
    Credential.REDIS_PASSWORD: Held("archesai-redis", "REDIS_PASSWORD"),
    Credential.STORAGE_ACCESS_KEY: Held("archesai-storage", "ACCESS_KEY"),
    Credential.STORAGE_SECRET_KEY: Held("archesai-storage", "SECRET_KEY"),
    Credential.API_JWT_SECRET: Held("archesai-api", "JWT_SECRET"),
}
"""What has to be known again where a state is lost and the cluster is not."""

ONLY_EXTERNAL = {Credential.DATABASE_URL}
FIXED = {Credential.BACKUPS_REPOSITORY_PASSWORD: "it encrypts the backups there are: another one makes them unreadable"}
"""Credentials that must not be regenerated, and why."""


@dataclass(frozen=True)
class Source:
    """Where one credential comes from in a stack."""

    credential: Credential
    origin: Origin
    detail: str
    """Name of the existing Secret, or the key that makes a new value."""
    description: str


def sources(settings: Settings, given: Iterable[str]) -> list[Source]:
    """Every credential of a stack in the order of their definition."""
    configured = set(given)
    return [_source(credential, settings, configured) for credential in Credential]


def _source(credential: Credential, settings: Settings, configured: set[str]) -> Source:
    def found(origin: Origin, detail: str = "") -> Source:
        return Source(credential, origin, detail, DESCRIPTIONS[credential])

    place = PLACES.get(credential)
    if credential in configured:
        return found("configuration", str(credential))
    if place is None:
        return found("not set")
    if not settings.modules.get(place.module, False):
        return found("not used", f"{place.module} is off")
    existing = _value(settings, place.existing)
    if existing:
        return found("existing Secret", str(existing))
    external = getattr(getattr(settings, place.module), "mode", "") == "external"
    if external or credential in ONLY_EXTERNAL:
        return found("not used", f"{place.module} is {'external' if external else 'managed'}")
    return found("generated", place.version)


def _value(settings: Settings, path: str) -> object:
    tree: object = settings.model_dump(by_alias=True)
    for part in path.split("."):
        tree = tree.get(part) if isinstance(tree, dict) else None
    return tree
