"""Redis: its settings, its component and its connection."""

from archesai_infra.components.redis.component import Redis, RedisArgs, RedisConnection
from archesai_infra.components.redis.replicated.configuration import GROUP_PORTS
from archesai_infra.components.redis.replicated.names import PROXY, PROXY_NAME, SERVERS, SERVERS_NAME
from archesai_infra.components.redis.replicated.servers import CLAIMS
from archesai_infra.components.redis.settings import (
    MODULE,
    NAME,
    PASSWORD_KEY,
    PORT,
    ExternalRedis,
    ManagedRedis,
    ReplicatedRedis,
    requirements,
)

SINGLE_CLAIM = ManagedRedis.default_claim
"""The claim of the form with one pod, unless the stack file names another."""

__all__ = [
    "CLAIMS",
    "GROUP_PORTS",
    "MODULE",
    "NAME",
    "PASSWORD_KEY",
    "PORT",
    "PROXY",
    "PROXY_NAME",
    "SERVERS",
    "SERVERS_NAME",
    "SINGLE_CLAIM",
    "ExternalRedis",
    "ManagedRedis",
    "Redis",
    "RedisArgs",
    "RedisConnection",
    "ReplicatedRedis",
    "requirements",
]
