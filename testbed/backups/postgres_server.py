"""A real PostgreSQL server on loopback, and what writes to it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from testbed.backups.servers import (
    SERVER_USER,
    START_SECONDS,
    call,
    environment,
    identity,
    needs,
    place,
    search_path,
)
from testbed.controlplane.ports import free_ports


@dataclass
class Postgres:
    """A PostgreSQL server with a password."""

    directory: Path
    port: int
    password: str = "p@ss/w%r d:1"
    database: str = "archesai"
    programs: Path | None = None
    """Directory of other server programs than those of this machine."""
    _running: bool = field(default=False, repr=False)

    @property
    def _tools(self) -> dict[str, str]:
        return {"PATH": f"{self.programs}{os.pathsep}{search_path()}"} if self.programs else {}

    @property
    def url(self) -> str:
        """The whole URL, as the application gets it."""
        secret = quote(self.password, safe="")
        return f"postgresql://admin:{secret}@127.0.0.1:{self.port}/{self.database}?sslmode=disable"

    @property
    def variables(self) -> dict[str, str]:
        """For libpq."""
        return {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.port),
            "PGUSER": "admin",
            "PGPASSWORD": self.password,
            "PGDATABASE": self.database,
        }

    def start(self) -> None:
        """Make the cluster and start it."""
        password_file = self.directory / "password"
        password_file.write_text(self.password, encoding="utf-8")
        if os.geteuid() == 0:
            shutil.chown(password_file, SERVER_USER)
        data = str(self.directory / "data")
        made = call(
            ["initdb", "-D", data, "-U", "admin", "--auth=scram-sha-256", f"--pwfile={password_file}",
             "--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums", "--no-sync"],
            self._tools, user=SERVER_USER,
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        options = f"-c listen_addresses=127.0.0.1 -c port={self.port} -c unix_socket_directories='' -c fsync=off"
        log = str(self.directory / "log")
        command = ["pg_ctl", "-D", data, "-w", "-t", str(START_SECONDS), "-l", log, "-o", options, "start"]
        started = subprocess.run(
            command, check=False, env=environment(self._tools), cwd="/", timeout=START_SECONDS + 10,
            **identity(SERVER_USER),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert started.returncode == 0, (self.directory / "log").read_text(encoding="utf-8")
        self._running = True
        self.sql(f'CREATE DATABASE "{self.database}"', database="postgres")

    def stop(self) -> None:
        """End the server at once."""
        if self._running:
            stop = ["pg_ctl", "-D", str(self.directory / "data"), "-m", "immediate", "-w", "stop"]
            call(stop, self._tools, user=SERVER_USER)
            self._running = False

    def stop_cleanly(self) -> None:
        """End the server as its pod does, with all of its data on the disk."""
        stop = ["pg_ctl", "-D", str(self.directory / "data"), "-m", "fast", "-w", "stop"]
        done = call(stop, self._tools, user=SERVER_USER)
        assert done.returncode == 0, done.stderr
        self._running = False

    def sql(self, text: str, *, database: str | None = None) -> str:
        """The result of a statement, without headers."""
        variables = self.variables | ({"PGDATABASE": database} if database else {})
        done = call(["psql", "-X", "-q", "-A", "-t", "-w", "-v", "ON_ERROR_STOP=1"], variables, stdin=text)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@contextmanager
def postgres(programs: Path | None = None) -> Generator[Postgres]:
    """A running server with an empty database, by this machine's programs or others."""
    needs("initdb", "pg_ctl", "psql", "pg_dump")
    with place(SERVER_USER) as directory:
        server = Postgres(directory, free_ports(1)[0], programs=programs)
        try:
            server.start()
            yield server
        finally:
            server.stop()


@dataclass(frozen=True)
class Load:
    """pgbench writing to a server."""

    process: subprocess.Popen[bytes]

    def running(self) -> bool:
        """Whether it still writes."""
        return self.process.poll() is None


@contextmanager
def write_load(server: Postgres, *, clients: int = 4, rate: int = 200) -> Generator[Load]:
    """Transactions at a rate per second until the end of the block."""
    needs("pgbench")
    process = subprocess.Popen(
        ["pgbench", "-n", "-c", str(clients), "-j", "1", "-R", str(rate), "-T", "600"],
        env=environment(server.variables), cwd="/", **identity(),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        time.sleep(0.3)
        yield Load(process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
