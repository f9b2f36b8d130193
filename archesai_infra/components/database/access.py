"""How the stack's own server is reached, and by whom: its Secret, and the roles that follow from one password."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pulumi
from pulumi_kubernetes.core.v1 import Secret

from archesai_infra.components.base.component import Component, FilledSecret, secret_key, secret_name
from archesai_infra.components.base.context import Endpoint
from archesai_infra.components.base.external_secrets import Value
from archesai_infra.components.database.cluster.network import POOLER
from archesai_infra.components.database.connection import Roles, connection_url, role_password, url_text
from archesai_infra.components.database.settings import (
    DUMP_ROLE,
    DUMP_URL_KEY,
    MONITOR_ROLE,
    MONITOR_URL_KEY,
    NAME,
    PASSWORD_KEY,
    POOLER_URL_KEY,
    PORT,
    SECRET,
    URL_KEY,
    ClusterDatabase,
    DatabasePod,
    ManagedDatabase,
)
from archesai_infra.credentials import Credential, Credentials
from archesai_infra.kube.pods import SecretKey

CLUSTER_SUPERUSER = "postgres"
"""Superuser of every cluster; the operator makes it."""


@dataclass(frozen=True)
class Access:
    """How a server is reached, and by whom."""

    secret: pulumi.Input[str]
    """Name of the Secret."""
    url: SecretKey
    """The application's URL."""
    roles: Roles | None
    secret_values: tuple[pulumi.Output[str], ...] = ()
    """Values whose change rolls the consumers."""
    server_values: tuple[pulumi.Output[str], ...] = ()
    """Values whose change rolls the single pod, which serves without TLS whatever its neighbours do."""
    keys: tuple[str, ...] = (PASSWORD_KEY, URL_KEY)
    """Keys of the Secret that the server's roles follow from."""
    pooled: SecretKey | None = None
    """The application's URL of the pooler."""
    password: pulumi.Output[str] | None = None
    """The superuser's password; None where the program does not see it."""


def access(component: Component, settings: DatabasePod, credentials: Credentials) -> Access:
    """The way in to the server in its pods."""
    if settings.existing_secret:
        return _existing(settings, settings.existing_secret)
    if component.context.external:
        return _filled(component, settings)
    password = superuser_password(component, settings, credentials)

    def url(role: str, mode: str, host: str = NAME) -> pulumi.Output[str]:
        return connection_url(role, role_password(password, role), Endpoint(host, PORT), settings.name, mode)

    urls = {key: url(role, ssl_mode(settings)) for key, role in roles(settings).items()}
    if _pools(settings):
        urls[POOLER_URL_KEY] = url(settings.application_user, ssl_mode(settings), POOLER)
    secret = component.secret(SECRET, {PASSWORD_KEY: password, **urls})
    found = _access(settings, secret, (urls[URL_KEY],), password)
    return replace(found, server_values=(url(settings.application_user, "disable"),))


def superuser_password(component: Component, settings: DatabasePod, credentials: Credentials) -> pulumi.Output[str]:
    """The password that those of all roles follow from: the given one, else a generated one."""
    return credentials.get(Credential.DATABASE_PASSWORD) or component.generated(
        "password", version=settings.password_version
    )


def host_access(component: Component, settings: ManagedDatabase, credentials: Credentials) -> Access:
    """The one login of a developer's own server, whose roles are not the stack's."""
    if settings.existing_secret:
        return _existing(settings, settings.existing_secret)
    if component.context.external:
        filled = filled_url(component, settings.user, Endpoint(NAME, PORT), settings.name, "disable")
        return Access(filled.name, secret_key(filled, URL_KEY), None)
    password = credentials.values[Credential.DATABASE_PASSWORD]
    url = connection_url(settings.user, password, Endpoint(NAME, PORT), settings.name, "disable")
    secret = component.secret(SECRET, {PASSWORD_KEY: password, URL_KEY: url})
    return Access(secret.metadata.name, secret_key(secret, URL_KEY), None, (password,))


def roles(settings: DatabasePod) -> dict[str, str]:
    """The role that each URL of the Secret is for; the instances of a cluster need none for their metrics."""
    found = {URL_KEY: settings.application_user, MONITOR_URL_KEY: MONITOR_ROLE, DUMP_URL_KEY: DUMP_ROLE}
    if isinstance(settings, ClusterDatabase) and not settings.keeps_single_pod:
        del found[MONITOR_URL_KEY]
    return found


def ssl_mode(settings: DatabasePod) -> str:
    """`sslmode` of the stack's own URLs: the single pod serves without TLS unless it is given a certificate."""
    if isinstance(settings, ManagedDatabase) and settings.tls is not None:
        return "verify-full"
    if isinstance(settings, ClusterDatabase) and not settings.serves_from_single_pod:
        return settings.cluster.ssl_mode
    return "disable"


def filled_url(component: Component, user: str, endpoint: Endpoint, database: str, mode: str) -> FilledSecret:
    """The Secret with password and URL, filled from the stack's store."""
    password = Value.DATABASE_PASSWORD
    url = url_text(user, password.in_url, endpoint, database, mode)
    return component.external_secret(SECRET, {PASSWORD_KEY: password.template, URL_KEY: url}, [password])


def _existing(settings: DatabasePod, name: str) -> Access:
    by_network = not isinstance(settings, ClusterDatabase) or settings.serves_from_single_pod
    administrator = Roles(settings.user, secret_key(name, PASSWORD_KEY)) if by_network else None
    pooled = secret_key(name, POOLER_URL_KEY) if _pools(settings) else None
    return Access(name, secret_key(name, URL_KEY), administrator, pooled=pooled)


def _pools(settings: DatabasePod) -> bool:
    return isinstance(settings, ClusterDatabase) and settings.pools is not None


def _filled(component: Component, settings: DatabasePod) -> Access:
    """One password from the stack's store, of which the operator derives those of the roles."""
    password = Value.DATABASE_PASSWORD
    urls = {
        key: url_text(role, password.derived(role), Endpoint(NAME, PORT), settings.name, ssl_mode(settings))
        for key, role in roles(settings).items()
    }
    if _pools(settings):
        user = settings.application_user
        endpoint = Endpoint(POOLER, PORT)
        urls[POOLER_URL_KEY] = url_text(user, password.derived(user), endpoint, settings.name, ssl_mode(settings))
    filled = component.external_secret(SECRET, {PASSWORD_KEY: password.template, **urls}, [password])
    return _access(settings, filled, (), None)


def _access(
    settings: DatabasePod,
    secret: Secret | FilledSecret,
    values: tuple[pulumi.Output[str], ...],
    password: pulumi.Output[str] | None,
) -> Access:
    """The way in by a Secret with the superuser's password and a URL for each role."""
    known = roles(settings)
    clustered = isinstance(settings, ClusterDatabase) and not settings.serves_from_single_pod
    found = Roles(
        CLUSTER_SUPERUSER if clustered else settings.user,
        secret_key(secret, PASSWORD_KEY),
        secret_key(secret, MONITOR_URL_KEY) if MONITOR_URL_KEY in known else None,
        secret_key(secret, DUMP_URL_KEY),
    )
    keys = (PASSWORD_KEY, *known)
    pooled = secret_key(secret, POOLER_URL_KEY) if _pools(settings) else None
    return Access(
        secret_name(secret),
        secret_key(secret, URL_KEY),
        found,
        secret_values=values,
        keys=keys,
        pooled=pooled,
        password=password,
    )
