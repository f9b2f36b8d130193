"""Clients that write without a pause and remember what was acknowledged."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from testbed.backups import servers
from testbed.replication.instances import DATABASE, SUPERUSER, Instance

CREATE = """CREATE TABLE writes (writer int, number int, PRIMARY KEY (writer, number));
CREATE FUNCTION write(int, int) RETURNS int LANGUAGE sql AS 'INSERT INTO writes VALUES ($1, $2) RETURNING number'"""
CLIENTS = 6
"""How many write at the same time."""
_RETRY_SECONDS = 0.05
_Row = tuple[int, int]


@dataclass
class Writers:
    """What several clients wrote."""

    port: int
    """Where they connect to."""
    programs: Path
    first: int
    """Number of the first of them, which tells their rows from those of others."""
    user: str = SUPERUSER
    password: str = ""
    acknowledged: set[_Row] = field(default_factory=set[_Row])
    moments: list[float] = field(default_factory=list[float])
    """When each acknowledgement came, in seconds."""
    failures: int = 0
    """Statements that were not acknowledged."""
    ended: threading.Event = field(default_factory=threading.Event)
    _clients: dict[int, subprocess.Popen[str]] = field(default_factory=dict[int, "subprocess.Popen[str]"])

    def write(self, writer: int) -> None:
        """Insert one row after the other until the end; connect again where that fails, as an application does."""
        number = 0
        while not self.ended.is_set():
            with self._client(writer) as client:
                while not self.ended.is_set() and self._inserted(client, writer, number := number + 1):
                    self.acknowledged.add((writer, number))
                    self.moments.append(time.monotonic())
                client.kill()
            self.failures += not self.ended.is_set()
            time.sleep(_RETRY_SECONDS)

    @property
    def _name(self) -> str:
        return f"writers-{self.first}"

    def wait_for_standby(self, server: Instance) -> None:
        """Wait until each of them has a commit at a server that waits for a standby."""
        waiting = "SELECT application_name FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        servers.until(lambda: server.sql(waiting).splitlines().count(self._name) == CLIENTS, "waiting for a standby")

    def _client(self, writer: int) -> subprocess.Popen[str]:
        server = f"host=127.0.0.1 port={self.port} user={self.user} dbname={DATABASE} connect_timeout=5"
        target = f"{server} application_name={self._name}"
        path = {"PATH": f"{self.programs}{os.pathsep}{servers.search_path()}", "PGPASSWORD": self.password}
        self._clients[writer] = subprocess.Popen(
            ["psql", "-X", "-q", "-A", "-t", "-w", "-v", "ON_ERROR_STOP=1", "-d", target],
            env=servers.environment(path), cwd="/", text=True, **servers.identity(),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        return self._clients[writer]

    def _inserted(self, client: subprocess.Popen[str], writer: int, number: int) -> bool:
        assert client.stdin is not None
        assert client.stdout is not None
        statement = f"SELECT write({writer}, {number});\n"
        with suppress(BrokenPipeError):
            os.write(client.stdin.fileno(), statement.encode())
        return client.stdout.readline().strip() == str(number)

    def close(self) -> None:
        """End every client, those that wait for an answer too."""
        self.ended.set()
        for client in list(self._clients.values()):
            client.kill()

    @property
    def longest_gap(self) -> float:
        """Most seconds between two acknowledgements, whoever got them."""
        return max((after - before for before, after in pairwise(sorted(self.moments))), default=0.0)

    def missing(self, server: Instance) -> set[_Row]:
        """Acknowledged rows that a server does not have."""
        rows = server.sql("TABLE writes").splitlines()
        present = {(int(writer), int(number)) for writer, number in (row.split("|") for row in rows)}
        return self.acknowledged - present


@contextmanager
def writing(
    port: int, programs: Path, *, first: int = 0, user: str = SUPERUSER, password: str = ""
) -> Generator[Writers]:
    """Clients that write to a port until the end of the block."""
    writers = Writers(port, programs, first, user, password)
    numbers = range(first, first + CLIENTS)
    threads = [threading.Thread(target=writers.write, args=(number,), daemon=True) for number in numbers]
    for thread in threads:
        thread.start()
    try:
        yield writers
    finally:
        # A client that began meanwhile may wait for an answer that never comes.
        servers.until(lambda: writers.close() or not any(thread.is_alive() for thread in threads), "the writers' end")


def wait_for_writes(writers: Writers, count: int = 100) -> None:
    """Wait until so many more writes were acknowledged."""
    wanted = len(writers.acknowledged) + count
    servers.until(lambda: len(writers.acknowledged) >= wanted, "writing")
