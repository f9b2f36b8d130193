"""The servers that the commands of a namespace's dump pod reach, and those commands on this host."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from testbed.backups import servers
from testbed.backups.postgres_server import Postgres
from testbed.backups.redis_server import Redis
from testbed.controlplane.commands import ExecRule


@dataclass(frozen=True)
class Data:
    """The servers that the commands of one namespace's dump pod reach."""

    postgres: Postgres
    redis: Redis

    def fill(self) -> None:
        """Something to lose."""
        self.empty()
        self.postgres.sql("CREATE TABLE orders AS SELECT id, md5(id::text) AS what FROM generate_series(1, 5000) AS id")
        self.redis.cli("SET", "session", "kept")

    def empty(self) -> None:
        """As servers on new volumes are."""
        self.postgres.sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        self.redis.cli("FLUSHALL")

    def content(self) -> tuple[str, str]:
        """What there is, in short."""
        orders = self.postgres.sql("SELECT coalesce(sum(hashtext(what)), 0) FROM orders")
        return orders, self.redis.cli("GET", "session")


def exec_rules(directory: Path, namespace: str, data: Data) -> list[ExecRule]:
    """The containers of a namespace's dump pod on this host."""
    common = {
        "SCRIPTS": str(directory / "scripts"),
        "BACKUP_DIR": str(directory / "volumes" / namespace),
        "KEEP": "3",
        "DUMP_TIMEOUT": "60",
        "PATH": servers.search_path(),
        "TMPDIR": str(directory),
    }
    database = common | {"DATABASE_URL": data.postgres.url, "COMPRESSION": "1", "JOBS": "2", "GLOBALS_OPTIONS": ""}
    redis = data.redis
    cache = common | {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(redis.port), "REDISCLI_AUTH": redis.password}
    return [
        ExecRule(env=database, namespaces=[namespace], containers=["postgres"]),
        ExecRule(env=cache, namespaces=[namespace], containers=["redis"]),
    ]
