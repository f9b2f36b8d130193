"""The copy of a database to a server of another major version, with this host in the place of its pod."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from archesai_infra.components.backups import scripts
from archesai_infra.components.base.scripts import script
from archesai_infra.components.database.server import PACKAGE
from testbed.backups import postgres_server, servers
from testbed.backups.postgres_server import Postgres
from testbed.controlplane.ports import free_ports
from testbed.node.images import recipe

SECONDS = 1800
ENTRYPOINT = Path(recipe.__file__).parent / "files" / "postgres-entrypoint.sh"


@dataclass
class Upgrade:
    """The container that copies, with its volume, beside the old server that its Secret leads to."""

    old: Postgres
    home: Path
    newer: Path
    port: int

    @property
    def data(self) -> Path:
        """Where the stack's server looks for its data."""
        return self.home / "volume" / "pgdata"

    @property
    def ready(self) -> Path:
        """Made when the copy is complete."""
        return self.home / "ready"

    @property
    def environment(self) -> dict[str, str]:
        """Variables of the container, with this host's paths."""
        return {
            "PATH": f"{self.home}{os.pathsep}{self.newer}{os.pathsep}{servers.search_path()}",
            "SCRIPTS": str(self.home / "scripts"),
            "POSTGRES_USER": "admin",
            "POSTGRES_DB": "archesai",
            "POSTGRES_PASSWORD_FILE": str(self.home / "secrets" / "POSTGRES_PASSWORD"),
            "POSTGRES_INITDB_ARGS": "--data-checksums",
            "PGDATA": str(self.data),
            "PGSOCKETS": str(self.home / "sockets"),
            "PGPORT": str(self.port),
            "READY": str(self.ready),
            "SWITCH_SECONDS": "30",
        }

    @contextmanager
    def running(self, **changed: str) -> Generator[subprocess.Popen[bytes]]:
        """The copying container."""
        words = ["-c", f"unix_socket_directories={self.home / 'sockets'}"]
        command = [*scripts.run("upgrade-database.sh"), "postgres", *words]
        with servers.running(command, self.environment | changed, self.log) as process:
            yield process

    @contextmanager
    def copied(self, **changed: str) -> Generator[subprocess.Popen[bytes]]:
        """A copy that is complete and waits for the old server to end."""
        with self.running(**changed) as process:
            wait(lambda: self.ready.exists() or process.poll() is not None)
            assert process.poll() is None, self.log.read_text()
            yield process

    @property
    def log(self) -> Path:
        """What it says."""
        return self.home / "log"

    @contextmanager
    def new_server(self) -> Generator[Postgres]:
        """A server of the new version on what was copied."""
        server = Postgres(self.home, self.port, programs=self.newer)
        command = ["postgres", "-D", str(self.data), "-p", str(self.port), "-h", "127.0.0.1", "-k", "/tmp"]
        with servers.running(command, {"PATH": f"{self.newer}"}, self.home / "new.log"):
            servers.until(lambda: server.sql("SELECT 1") == "1", "the new server")
            yield server


def _prepare(home: Path, old: Postgres) -> None:
    for name in ("volume", "sockets", "secrets", "scripts", "init", "127.0.0.1"):
        (home / name).mkdir()
        servers.hand_over(home / name, 0o755)
    password = quote(old.password, safe="")
    urls = {
        f"{key}_URL": f"postgresql://{role}:{role}{password}@127.0.0.1:{old.port}/{old.database}?sslmode=disable"
        for key, role in (("DATABASE", "arches_app"), ("DUMP", "arches_dump"))
    }
    for name, text in ({"POSTGRES_PASSWORD": old.password} | urls).items():
        (home / "secrets" / name).write_text(text, encoding="utf-8")
        servers.hand_over(home / "secrets" / name, 0o440)
    for name, text in (scripts.upgrade_files() | {"sync-password.sh": script(PACKAGE, "sync-password.sh")}).items():
        (home / "scripts" / name).write_text(text, encoding="utf-8")
        (home / "scripts" / name).chmod(0o444)
    text = ENTRYPOINT.read_text(encoding="utf-8").replace("/var/run/postgresql", '"$PGSOCKETS"')
    entrypoint = home / "docker-entrypoint.sh"
    entrypoint.write_text(
        text.replace("-p 5432", '-p "$PGPORT"').replace("/docker-entrypoint-initdb.d", str(home / "init"))
    )
    entrypoint.chmod(0o555)


@contextmanager
def upgradable(older: Path, newer: Path) -> Generator[Upgrade]:
    """A server of the first programs with the stack's roles, and what copies it to one of the second."""
    with postgres_server.postgres(older) as old, servers.place() as home:
        home.chmod(0o755)
        _prepare(home, old)
        built = Upgrade(old, home, newer, free_ports(1)[0])
        # The roles of the stack, as its server makes them.
        ours = built.environment | {"PGSOCKETS": "127.0.0.1", "PGPORT": str(old.port), "PGPASSWORD": old.password}
        made = servers.call(["/bin/sh", str(home / "scripts" / "sync-password.sh")], ours, directory=home)
        assert made.returncode == 0, made.stderr
        yield built


def wait(met: Callable[[], bool]) -> None:
    """Wait for something of a busy machine; raises TimeoutError."""
    deadline = time.monotonic() + SECONDS
    while not met():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.2)


def shutdown(server: Postgres) -> None:
    """End a server as its pod does."""
    pid = int((server.directory / "data" / "postmaster.pid").read_text().splitlines()[0])
    os.kill(pid, signal.SIGINT)
