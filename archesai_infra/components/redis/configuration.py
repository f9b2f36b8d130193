"""`redis.conf`: what servers in the cluster have in common."""

from __future__ import annotations

from archesai_infra.components.redis.settings import DATA_SHARE, PORT, RedisServer
from archesai_infra.quantities import memory_bytes


def configuration(settings: RedisServer) -> str:
    """`redis.conf` without the password: the production guide's persistence, on this stack's memory."""
    limit = memory_bytes(settings.resources.limits.memory)
    max_memory = memory_bytes(settings.max_memory) if settings.max_memory else int(limit * DATA_SHARE)
    lines = [
        f"port {PORT}",
        "dir /data",
        "daemonize no",
        "appendonly yes",
        f"appendfsync {settings.append_fsync}",
        "auto-aof-rewrite-percentage 100",
        "auto-aof-rewrite-min-size 64mb",
        "save 900 1 300 10 60 10000",
        f"maxmemory {max_memory}",
        f"maxmemory-policy {settings.max_memory_policy}",
    ]
    return "\n".join(lines) + "\n"
