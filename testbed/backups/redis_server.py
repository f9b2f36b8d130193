"""A real redis server on loopback with the users of a stack."""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from archesai_infra.components.redis import ManagedRedis
from archesai_infra.components.redis.users import rules
from testbed.backups.servers import (
    call,
    hand_over,
    needs,
    place,
    running,
    until,
)
from testbed.controlplane.ports import free_ports


@dataclass(frozen=True)
class Redis:
    """A Redis server with the stack's users and an append-only file; `cli` may do all that an administrator may."""

    port: int
    password: str = "r3dis"

    def user_password(self, user: str) -> str:
        """The password of one of the stack's users."""
        return f"{self.password} of {user}"

    @property
    def users(self) -> str:
        """The stack's users besides the default one, as lines of redis' configuration."""
        lines = [line.split(" ", 1) for line in rules(ManagedRedis(enabled=True)).splitlines()]
        digests = {name: hashlib.sha256(self.user_password(name).encode()).hexdigest() for name, _ in lines}
        return "".join(f"user {name} reset on #{digests[name]} {rule}\n" for name, rule in lines if name != "default")

    def cli(self, *words: str, stdin: str = "") -> str:
        """The answer to a command."""
        done = call(
            ["redis-cli", "--no-auth-warning", "-e", "-p", str(self.port), *words],
            {"REDISCLI_AUTH": self.password},
            stdin=stdin,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()


@contextmanager
def redis(*, password: str = "r3dis") -> Generator[Redis]:
    """A running, empty server."""
    needs("redis-server", "redis-cli", "redis-check-rdb")
    with place() as directory:
        server = Redis(free_ports(1)[0], password)
        configuration = directory / "redis.conf"
        configuration.write_text(server.users, encoding="utf-8")
        hand_over(configuration, 0o440)
        command = ["redis-server", str(configuration), "--port", str(server.port), "--bind", "127.0.0.1",
                   "--dir", str(directory), "--requirepass", password, "--appendonly", "yes", "--save", ""]  # fmt: skip
        with running(command, {}, directory / "log"):
            until(lambda: server.cli("PING") == "PONG", "redis")
            yield server
