"""Where each credential of a stack comes from, and how it is regenerated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from archesai_infra.components import api, database, redis, storage
from archesai_infra.components.monitoring import grafana
from archesai_infra.credentials import Credential
from archesai_infra.stack.external import supplied
from archesai_infra.stack.settings import Settings

Origin = Literal["generated", "configuration", "existing Secret", "store", "not set", "not used"]


class Held(NamedTuple):
    """Where the cluster keeps a credential, in the namespace of its module."""

    secret: str
    key: str


@dataclass(frozen=True)
class CredentialInfo:
    """What there is to know of a credential besides its value."""

    description: str
    module: str = ""
    """The module that can generate it or take it from an existing Secret; empty where it is only configured."""
    existing: str = ""
    """Setting that names an existing Secret with it."""
    version: str = ""
    """Setting that regenerates a generated value when it rises; empty where none may be regenerated."""
    follows: str = ""
    """What a new value does."""
    held: Held | None = None
    """Where a running stack has the value, for a state that was lost."""
    external_only: bool = False
    """Whether only a server elsewhere uses it."""
    fixed: str = ""
    """Why it must not be regenerated."""


_DATABASE = "the database's pod restarts and takes it over; the api rolls"
_STORAGE = "the storage's pod and the api roll"
CREDENTIALS: Mapping[Credential, CredentialInfo] = {
    Credential.DATABASE_PASSWORD: CredentialInfo(
        "Password of the database user; generated for a managed database.",
        "database",
        "database.existingSecret",
        "database.passwordVersion",
        _DATABASE,
        Held(database.SECRET, database.PASSWORD_KEY),
    ),
    Credential.DATABASE_URL: CredentialInfo(
        "Whole connection URL of an external database, instead of host, user and password.",
        "database",
        "database.existingSecret",
        follows="the api rolls",
        held=Held(database.SECRET, database.URL_KEY),
        external_only=True,
    ),
    Credential.REDIS_PASSWORD: CredentialInfo(
        "Password of redis; generated for a managed redis.",
        "redis",
        "redis.existingSecret",
        "redis.passwordVersion",
        "redis' pod and the api roll",
        Held(redis.NAME, redis.PASSWORD_KEY),
    ),
    Credential.STORAGE_ACCESS_KEY: CredentialInfo(
        "Access key of the object storage; generated for a managed storage.",
        "storage",
        "storage.existingSecret",
        "storage.passwordVersion",
        _STORAGE,
        Held(storage.NAME, storage.ACCESS_KEY),
    ),
    Credential.STORAGE_SECRET_KEY: CredentialInfo(
        "Secret key of the object storage; generated for a managed storage.",
        "storage",
        "storage.existingSecret",
        "storage.passwordVersion",
        _STORAGE,
        Held(storage.NAME, storage.SECRET_KEY),
    ),
    Credential.API_JWT_SECRET: CredentialInfo(
        "Key that signs the api's session tokens; generated where it is not set.",
        "api",
        "api.existingSecret",
        "api.passwordVersion",
        "the api rolls and everyone logs in again",
        Held(api.NAME, api.JWT_KEY),
    ),
    Credential.API_SECRET_SETTINGS: CredentialInfo(
        "Secret settings of the api as a JSON object of dotted path to value."
    ),
    Credential.REGISTRY_PASSWORD: CredentialInfo(
        "Password or token of the image registry; makes the pull secret `regcred`."
    ),
    Credential.BACKUPS_ACCESS_KEY: CredentialInfo("Access key of the backups' bucket."),
    Credential.BACKUPS_SECRET_KEY: CredentialInfo("Secret key of the backups' bucket."),
    Credential.BACKUPS_REPOSITORY_PASSWORD: CredentialInfo(
        "Password that encrypts the volumes in the backups; generated if not set.",
        "backups",
        fixed="it encrypts the existing backups: another one makes them unreadable",
    ),
    Credential.GRAFANA_ADMIN_PASSWORD: CredentialInfo(
        "Password of Grafana's user `admin`; generated where it is not set.",
        "monitoring",
        "monitoring.grafana.existingSecret",
        "monitoring.grafana.passwordVersion",
        "Grafana's pod rolls; with a volume of its own it takes the password from: arches secrets sync",
        Held(grafana.SECRET, grafana.PASSWORD_KEY),
    ),
    Credential.ALERT_WEBHOOK_URL: CredentialInfo("URL that alerts are posted to."),
    Credential.ALERT_SLACK_URL: CredentialInfo("Incoming webhook of Slack that alerts are posted to."),
    Credential.ALERT_EMAIL_PASSWORD: CredentialInfo("Password of the mail user that sends alerts."),
    Credential.ALERT_HEARTBEAT_URL: CredentialInfo(
        "URL that gets a request each minute while alerts can leave the cluster."
    ),
}
"""Every credential, in the order of the reference."""


@dataclass(frozen=True)
class Source:
    """Where one credential comes from in a stack."""

    credential: Credential
    origin: Origin
    detail: str
    """Name of the existing Secret or of the store, or the key that makes a new value."""
    description: str


def sources(settings: Settings, given: Iterable[str]) -> list[Source]:
    """Every credential of a stack in the order of their definition."""
    configured = set(given)
    return [_source(credential, settings, configured) for credential in Credential]


def follows(credential: Credential, settings: Settings) -> str:
    """What happens to the parts that use a credential when it has a new value."""
    if credential == Credential.DATABASE_PASSWORD and settings.database_cluster is not None:
        return "the operator gives the roles the new one without a restart; the api rolls"
    return CREDENTIALS[credential].follows


def in_secrets(settings: Settings) -> Iterator[tuple[Credential, Held]]:
    """Credentials that Secrets made by the stack hold, and where."""
    for credential, info in CREDENTIALS.items():
        if info.held is None or not settings.modules[info.module] or _value(settings, info.existing):
            continue
        if credential in supplied(settings):
            continue
        data = settings.data_modules.get(info.module)
        # A server of the stack's own has its URL from the password.
        if not info.external_only or data is None or data.mode == "external":
            yield credential, info.held


def _source(credential: Credential, settings: Settings, configured: set[str]) -> Source:
    info = CREDENTIALS[credential]

    def source(origin: Origin, detail: str = "") -> Source:
        return Source(credential, origin, detail, info.description)

    if credential in configured:
        return source("configuration", str(credential))
    if settings.secrets.external is not None and credential in supplied(settings):
        return source("store", settings.secrets.external.store)
    if not info.module or not settings.modules[info.module]:
        return source("not used", f"{info.module} is off") if info.module else source("not set")
    existing = _value(settings, info.existing)
    if existing:
        return source("existing Secret", str(existing))
    data = settings.data_modules.get(info.module)
    external = data is not None and data.mode == "external"
    if external or info.external_only:
        return source("not used", f"{info.module} is {data.mode if data is not None else 'managed'}")
    return source("generated", info.version)


def _value(settings: Settings, path: str) -> object:
    tree: object = settings.model_dump(by_alias=True)
    for part in path.split("."):
        tree = tree.get(part) if isinstance(tree, dict) else None
    return tree
