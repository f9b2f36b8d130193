"""The values of Secrets that each container of a stack needs, written down by hand.

It says for each container why the value is there to be read; nothing of it follows from the program, so that tests can
compare what manifests declare and what a shell in the container reads with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Value(NamedTuple):
    """One value of a Secret."""

    secret: str
    key: str


PUBLIC_KEYS = frozenset({"ACCESS_KEY", "admin-user", "ca.crt", "tls.crt"})
"""Keys of names and certificates: who reads them can open nothing with them."""

_OWNER = Value("archesai-database", "DATABASE_URL")
_DUMP = Value("archesai-database", "DUMP_URL")
_MONITOR = Value("archesai-database", "MONITOR_URL")
_ADMINISTRATOR = Value("archesai-database", "POSTGRES_PASSWORD")
_REDIS = Value("archesai-redis", "REDIS_PASSWORD")
_OBJECTS = Value("archesai-storage-objects", "SECRET_KEY")


def _redis_users(*users: str) -> frozenset[Value]:
    return frozenset(Value("archesai-redis-users", user) for user in users)


def _storage_users(*users: str) -> frozenset[Value]:
    return frozenset(Value(f"archesai-storage-{user}", "SECRET_KEY") for user in users)


_STORAGE = frozenset({Value("archesai-storage", "SECRET_KEY")})
# A server sets the passwords of its users from them.
_REDIS_SERVER = frozenset({_REDIS}) | _redis_users("exporter", "dump", "restore", "replica", "sentinel", "proxy")

READERS: Mapping[str, frozenset[Value]] = {
    "api/api": frozenset({Value("archesai-api", "JWT_SECRET"), _OWNER, _REDIS}) | _storage_users("api"),
    # A restore makes roles and databases.
    "backups/postgres": frozenset({_DUMP, _ADMINISTRATOR}),
    "backups/redis": _redis_users("dump"),
    "backups-drill/drill": frozenset(),
    "backups-objects/objects": frozenset(
        {_OBJECTS, Value("archesai-backups", "cloud"), Value("archesai-backups-cloud", "cloud")}
    ),
    # The server sets the passwords of its roles from them.
    "database/postgres": frozenset({_OWNER, _DUMP, _MONITOR, _ADMINISTRATOR, Value("database-certificate", "tls.key")}),
    "database-exporter/exporter": frozenset({_MONITOR}),
    "migrations/wait-for-database": frozenset(),
    "migrations/migrations": frozenset({_OWNER}),
    "platform/platform": frozenset(),
    "redis/redis": _REDIS_SERVER,
    "redis-server/redis": _REDIS_SERVER,
    "redis-server/sentinel": _REDIS_SERVER,
    "redis-proxy/haproxy": _redis_users("proxy"),
    "redis-exporter/exporter": _redis_users("exporter"),
    "scraper/scraper": frozenset(),
    "storage/minio": _STORAGE,
    "storage/rustfs": _STORAGE,
    # It makes the users.
    "storage-bucket/bucket": _STORAGE | _storage_users("api", "objects", "restore", "logs", "prometheus"),
    "unstructured/unstructured": frozenset(),
}
"""By `component/container`; a stack has those of the Secrets that its modules make."""


def readable(container: str, existing: frozenset[Value]) -> frozenset[Value]:
    """What a container may read of the values in a stack's namespace; raises KeyError for an unknown container."""
    return READERS[container] & existing
