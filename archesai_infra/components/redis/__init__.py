"""Redis: its settings, its component and its connection."""

from archesai_infra.components.redis.component import Redis, RedisArgs, RedisConnection
from archesai_infra.components.redis.settings import (
    MODULE,
    NAME,
    PASSWORD_KEY,
    PORT,
    ExternalRedis,
    ManagedRedis,
    requirements,
)

__all__ = [
    "MODULE",
    "NAME",
    "PASSWORD_KEY",
    "PORT",
    "ExternalRedis",
    "ManagedRedis",
    "Redis",
    "RedisArgs",
    "RedisConnection",
    "requirements",
]
