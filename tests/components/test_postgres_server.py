"""The script and the parameters of the database's pod against a real PostgreSQL."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archesai_infra.components.database import ManagedDatabase
from archesai_infra.components.database.server import parameters, server_environment
from testbed.backups.servers import mounted
from testbed.controlplane.ports import free_ports
from testbed.stacks import ROOT

PASSWORD = r"""it's "quoted" \ and $(spaced) `out` :'x' %s"""
NOBODY = 65534
SCRIPT = ROOT / "archesai_infra" / "components" / "database" / "scripts" / "sync-password.sh"
SETTINGS = ManagedDatabase(user="arches", name="main")


def _binaries() -> str | None:
    """Directory of the newest PostgreSQL: on PATH, or where Debian puts it."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    found = [path for path in reversed(debian) if (path / "initdb").is_file()]
    on_path = shutil.which("initdb")
    return str(found[0]) if found else str(Path(on_path).resolve().parent) if on_path else None


BINARIES = _binaries()
pytestmark = pytest.mark.skipif(BINARIES is None, reason="needs a PostgreSQL server (Debian: postgresql)")


class Server:
    """A server in a directory, as the image's entrypoint leaves it; PostgreSQL refuses to run as root."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.sockets = directory / "run"
        self.log = directory / "log"
        self.secret = directory / "POSTGRES_PASSWORD"
        self.script = mounted(SCRIPT, directory)
        (self.port,) = free_ports(1)
        self.user: dict[str, Any] = {}
        self.sockets.mkdir()
        self.secret.write_text(PASSWORD, encoding="utf-8")
        if os.geteuid() == 0:
            self.user = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
            for path in (directory, self.sockets):
                os.chown(path, NOBODY, NOBODY)
            os.chown(self.secret, 0, NOBODY)
            self.secret.chmod(0o440)
        self.environment = server_environment(SETTINGS) | {
            "PATH": f"{BINARIES}:{os.environ['PATH']}",
            "LC_ALL": "C.UTF-8",
            "PGPORT": str(self.port),
            "PGSOCKETS": str(self.sockets),
            "PGDATA": str(directory / "data"),
            "POSTGRES_PASSWORD_FILE": str(self.secret),
        }

    def run(self, *command: str, check: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.directory,
            env=self.environment | variables,
            capture_output=True,
            text=True,
            check=check,
            timeout=60,
            **self.user,
        )

    def start(self) -> None:
        first_password = self.directory / "first"
        first_password.write_text("first", encoding="utf-8")
        first_password.chmod(0o644)
        words = ["--auth-local=trust", "--auth-host=scram-sha-256", "--no-sync", "--data-checksums"]
        self.run("initdb", "-U", SETTINGS.user, f"--pwfile={first_password}", *words)
        # Everything is logged, so that what is not in the log is not because nobody looked.
        loud = {"log_statement": "all", "log_min_duration_statement": "0", "log_min_error_statement": "debug5"}
        options = parameters(SETTINGS) | loud | {"listen_addresses": "127.0.0.1", "fsync": "off"}
        flags = " ".join(f"-c {name}={value}" for name, value in options.items())
        self.run("pg_ctl", "start", "-w", "-l", str(self.log), "-o", f"-k {self.sockets} {flags}")
        self.query(f"CREATE DATABASE {SETTINGS.name}", database="postgres")
        self.query("CREATE EXTENSION pg_stat_statements")

    def stop(self) -> None:
        self.run("pg_ctl", "stop", "-m", "fast", check=False)

    def query(self, sql: str, *, database: str = SETTINGS.name) -> str:
        words = ["-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", str(self.sockets), "-U", SETTINGS.user]
        return self.run("psql", *words, "-d", database, "-c", sql).stdout.strip()

    def login(self, password: str) -> bool:
        words = ["-X", "-h", "127.0.0.1", "-U", SETTINGS.user, "-d", SETTINGS.name, "-c", "SELECT 1"]
        return self.run("psql", *words, check=False, PGPASSWORD=password).returncode == 0

    def sync(self) -> None:
        self.run("/bin/sh", str(self.script))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    # Not below pytest's own directory, which nobody but its user may enter.
    with tempfile.TemporaryDirectory() as directory:
        running = Server(Path(directory))
        try:
            running.start()
            yield running
        finally:
            running.stop()


def test_the_server_takes_every_parameter(server: Server) -> None:
    taken = server.query("SELECT string_agg(name, ' ') FROM pg_settings WHERE source = 'command line'").split()
    assert set(parameters(SETTINGS)) - set(taken) == set()
    assert server.query("SHOW shared_buffers") == "256MB"
    assert server.query("SHOW max_wal_size") == "2560MB"


def test_the_server_follows_the_password_of_its_file_whatever_is_in_it(server: Server) -> None:
    server.secret.write_text(PASSWORD, encoding="utf-8")
    server.sync()
    assert server.login(PASSWORD)
    assert not server.login("first")
    server.secret.write_text("second", encoding="utf-8")
    server.sync()
    assert server.login("second")
    assert not server.login(PASSWORD)


def test_the_password_leaves_no_trace(server: Server) -> None:
    unmistakable = "unmistakable-password"
    server.secret.write_text(unmistakable, encoding="utf-8")
    server.sync()
    assert server.login(unmistakable)
    assert "CREATE EXTENSION pg_stat_statements" in server.log.read_text(encoding="utf-8")
    assert unmistakable not in server.log.read_text(encoding="utf-8")
    assert server.query("SELECT count(*) > 0 FROM pg_stat_statements WHERE query LIKE '%EXTENSION%'") == "t"
    assert unmistakable not in server.query("SELECT string_agg(query, ' ') FROM pg_stat_statements")
    assert server.query("SELECT rolpassword LIKE 'SCRAM-SHA-256%' FROM pg_authid WHERE rolname = 'arches'") == "t"


def test_the_probe_is_green_for_the_servers_own_database(server: Server) -> None:
    assert server.run("pg_isready", "-q", "-h", "127.0.0.1", "-U", SETTINGS.user, "-d", SETTINGS.name).returncode == 0
