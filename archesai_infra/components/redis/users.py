"""Users of a redis server in the cluster: each consumer runs its own commands and no others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from archesai_infra.components.base.component import Component, secret_key
from archesai_infra.components.base.external_secrets import Value
from archesai_infra.components.redis.settings import NAME, RedisServer, ReplicatedRedis
from archesai_infra.kube.pods import SecretKey

SECRET = f"{NAME}-users"
"""Secret with the password of each user but the application's; its keys are their names."""
EXPORTER = "exporter"
DUMP = "dump"
RESTORE = "restore"
"""Replaces all content; only `arches restore` reads its password, and no pod but the server's has it."""

REPLICA = "replica"
SENTINEL = "sentinel"
PROXY = "proxy"
"""Users of a replicated redis: how replicas follow the primary, Sentinels command servers, proxies ask who leads."""

_STORED = {EXPORTER: Value.REDIS_EXPORTER, DUMP: Value.REDIS_DUMP, RESTORE: Value.REDIS_RESTORE}
_STORED_REPLICATED = {
    REPLICA: Value.REDIS_REPLICA,
    SENTINEL: Value.REDIS_SENTINEL,
    PROXY: Value.REDIS_PROXY,
}
_APPLICATION = "~* &* +@all -@admin -@dangerous +info"
_RULES: Mapping[str, str] = {
    # No key, and no `slowlog get`, which would show other clients' values.
    EXPORTER: "-@all +ping +info +config|get +slowlog|len +latency|latest +latency|histogram +client|setname",
    DUMP: "-@all +ping +sync +psync +replconf",
    RESTORE: "~* -@all +ping +echo +select +flushall +restore",
}

_REPLICATED_RULES: Mapping[str, str] = {
    REPLICA: "-@all +ping +psync +replconf",
    # What Sentinel's documentation lists, and what the coordinated form asks of a server besides.
    SENTINEL: "&__sentinel__:hello -@all +multi +exec +replicaof +slaveof +failover +ping +subscribe +publish +role "
    "+info +config|get +config|rewrite +client|setname +client|kill +client|pause +client|unpause +script|kill",
    PROXY: "-@all +ping +info",
}


@dataclass(frozen=True)
class Login:
    """Who a consumer is to the server."""

    user: str | None
    """Name of the user; None for the default one."""
    password: SecretKey | None
    """None where the server wants none."""
    secret_values: tuple[pulumi.Output[str], ...]
    """Values whose change must roll the consumer; empty for an existing Secret."""


def _rules(settings: RedisServer) -> Mapping[str, str]:
    return {**_RULES, **_REPLICATED_RULES} if isinstance(settings, ReplicatedRedis) else _RULES


def rules(settings: RedisServer) -> str:
    """Each user with what it may do, as redis' ACL rules, one a line; the passwords are added when the server starts.

    The application is the default user: it sends a password and no name.
    """
    more = "".join(f" +{command}" for command in settings.commands)
    lines = [f"default {_APPLICATION}{more}", *(f"{name} {rule}" for name, rule in _rules(settings).items())]
    return "\n".join(lines) + "\n"


def logins(component: Component, settings: RedisServer) -> dict[str, Login]:
    """Users with passwords in Secrets of their own: generated, of the external store, or of an existing Secret."""
    names = _rules(settings)
    if component.context.external:
        stored = {name: value for name, value in (_STORED | _STORED_REPLICATED).items() if name in names}
        data = {name: value.template for name, value in stored.items()}
        filled = component.external_secret(SECRET, data, list(stored.values()), part="users")
        return {name: Login(name, secret_key(filled, name), ()) for name in names}
    if not component.context.generates:
        return {name: Login(name, secret_key(SECRET, name), ()) for name in names}
    values = {name: component.generated(f"{name}-password", version=settings.password_version) for name in names}
    secret = component.secret(SECRET, values, part="users")
    return {name: Login(name, SecretKey(secret.metadata.name, name), (value,)) for name, value in values.items()}
