"""One PostgreSQL server of a replicated cluster."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from testbed.backups import servers

DATABASE = "archesai"
SUPERUSER = "postgres"
_SECONDS = 60
_PROGRAM_SECONDS = 1800
_OWN = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "huge_pages": "off",
    # A process that is killed loses nothing of what the kernel holds; only a machine's end would.
    "fsync": "off",
}


@dataclass
class Instance:
    """A server in a directory of its own; it trusts every client on loopback unless its pg_hba.conf asks for more."""

    name: str
    directory: Path
    port: int
    programs: Path
    password: str = ""
    """The superuser's, where it is asked for one."""

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.directory / self.name

    @property
    def conninfo(self) -> str:
        """How libpq reaches the server."""
        return f"host=127.0.0.1 port={self.port} user={SUPERUSER}"

    def run(self, *command: str, stdin: str = "") -> str:
        """What one of PostgreSQL's programs prints; fails with what it says."""
        path = {"PATH": f"{self.programs}{os.pathsep}{servers.search_path()}", "PGPASSWORD": self.password}
        done = servers.call([*command], path, stdin=stdin, seconds=_PROGRAM_SECONDS, user=servers.SERVER_USER)
        assert done.returncode == 0, f"{command[0]}: {done.stderr}"
        return done.stdout.strip()

    def initialize(self, parameters: Mapping[str, str]) -> None:
        """Make an empty data directory with these parameters."""
        self.run("initdb", "-D", str(self.data), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8",
                 "--locale=C.UTF-8", "--data-checksums", "--no-sync")  # fmt: skip
        self.configure({**_OWN, **parameters})

    def configure(self, parameters: Mapping[str, str]) -> None:
        """Append parameters, which the next start or reload reads."""
        lines = "".join(f"{key} = '{value}'\n" for key, value in parameters.items())
        with (self.data / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write(lines)

    def clone(self, source: Instance, *, slot: bool = True) -> None:
        """Make the data directory a standby's of a running server, which keeps write-ahead log for it."""
        with_slot = ["-C", "-S", slot_name(self.name)] if slot else []
        self.run("pg_basebackup", "-D", str(self.data), "-d", f"{source.conninfo} application_name={self.name}",
                 "-R", "-X", "stream", "--checkpoint=fast", "--no-sync", *with_slot)  # fmt: skip

    def start(self, *, wait: bool = True) -> None:
        """Start the server."""
        command = ["pg_ctl", "-D", str(self.data), "-w" if wait else "-W", "-t", str(_SECONDS), "-l", str(self.log),
                   "-o", f"-c port={self.port}", "start"]  # fmt: skip
        path = {"PATH": f"{self.programs}{os.pathsep}{servers.search_path()}"}
        started = subprocess.run(
            command, check=False, env=servers.environment(path), cwd="/", timeout=_SECONDS + 10,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            **servers.identity(servers.SERVER_USER),
        )  # fmt: skip
        assert started.returncode == 0, self.log.read_text(encoding="utf-8")

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.directory / f"{self.name}.log"

    def stop(self, mode: str = "immediate") -> None:
        """End the server, if it runs."""
        with suppress(AssertionError):
            self.run("pg_ctl", "-D", str(self.data), "-m", mode, "-w", "stop")

    def kill(self) -> None:
        """End the server as an out-of-memory kill does: nothing is shut down."""
        pid = int((self.data / "postmaster.pid").read_text(encoding="utf-8").split("\n", 1)[0])
        os.kill(pid, signal.SIGKILL)

    def remove(self) -> None:
        """Stop the server and delete its data."""
        self.stop()
        shutil.rmtree(self.data)

    def sql(self, text: str, *, database: str = DATABASE) -> str:
        """The result of statements, without headers."""
        words = ["psql", "-X", "-q", "-A", "-t", "-w", "-v", "ON_ERROR_STOP=1"]
        return self.run(*words, "-d", f"{self.conninfo} dbname={database}", stdin=text)


def slot_name(instance: str) -> str:
    """Name of an instance's replication slot, which takes no hyphen."""
    return instance.replace("-", "_")
