"""The move of a database to a cluster beside it, with this host in the place of its pod."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from archesai_infra.components.backups import scripts
from testbed.backups import servers
from testbed.controlplane.ports import free_ports
from testbed.replication.address import Address, address
from testbed.replication.instances import DATABASE, Instance

PASSWORD = "p@ss/w%r d:'1\\"
OWNER = "arches_app"
_SECONDS = 1800
_ROLES = f"CREATE ROLE {OWNER} LOGIN; CREATE DATABASE {DATABASE} OWNER {OWNER};"


@dataclass
class Move:
    """The container that moves, between the server of the single pod and the cluster's primary."""

    old: Instance
    new: Instance
    home: Path
    service: Address
    """Leads to the server that the stack uses."""

    @property
    def log(self) -> Path:
        """What the container says."""
        return self.home / "log"

    @property
    def ready(self) -> Path:
        """Made when the cluster is complete."""
        return self.home / "ready"

    @contextmanager
    def running(self, *words: str, **changed: str) -> Generator[subprocess.Popen[bytes]]:
        """The container that moves; `words` are its arguments."""
        variables = {
            "PATH": f"{self.old.programs}{os.pathsep}{servers.search_path()}",
            "SCRIPTS": str(self.home / "scripts"),
            "POSTGRES_USER": "admin",
            "POSTGRES_DB": DATABASE,
            "POSTGRES_PASSWORD_FILE": str(self.home / "secrets" / "POSTGRES_PASSWORD"),
            "OLD_SERVER": f"127.0.0.1:{self.old.port}",
            "NEW_SERVER": f"127.0.0.1:{self.new.port}",
            "SERVICE": f"127.0.0.1:{self.service.port}",
            "READY": str(self.ready),
            "SWITCH_SECONDS": "60",
        }
        with servers.running([*scripts.run("move-database.sh"), *words], variables | changed, self.log) as process:
            yield process

    def until_ready(self, process: subprocess.Popen[bytes]) -> None:
        """Wait until the cluster is complete and the Service may lead to it."""
        servers.until(lambda: self.ready.exists() or process.poll() is not None, "the copy", seconds=_SECONDS)
        assert process.poll() is None, self.log.read_text(encoding="utf-8")

    def until_said(self, process: subprocess.Popen[bytes], words: str) -> None:
        """Wait until the container says this."""
        servers.until(lambda: words in self.said() or process.poll() is not None, words, seconds=_SECONDS)
        assert process.poll() is None, self.said()

    def said(self) -> str:
        """The log."""
        return self.log.read_text(encoding="utf-8")

    def result(self, process: subprocess.Popen[bytes]) -> tuple[int, str]:
        """Exit status and log of a container that ends by itself."""
        return process.wait(_SECONDS), self.said()


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a container as the loss of its node does: everything in it at once."""
    family = [process.pid]
    for pid in family:
        children = Path(f"/proc/{pid}/task/{pid}/children")
        family += [int(child) for child in children.read_text(encoding="utf-8").split()] if children.exists() else []
    for pid in family:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


@contextmanager
def moving(programs: Path) -> Generator[Move]:
    """The two servers, each with its roles and an empty database, and the Service that leads to the first."""
    with servers.place(servers.SERVER_USER) as directory, servers.place() as home:
        ports = free_ports(2)
        old, new = (
            Instance(name, directory, port, programs) for name, port in zip(("pod", "db-1"), ports, strict=True)
        )
        try:
            _start(old, "CREATE ROLE admin SUPERUSER LOGIN PASSWORD :'password';", {"wal_level": "logical"})
            _start(new, "", {"max_logical_replication_workers": "8"})
            _prepare(home)
            with address(old) as service:
                yield Move(old, new, home, service)
        finally:
            old.stop()
            new.stop()


def _start(server: Instance, roles: str, parameters: dict[str, str]) -> None:
    server.initialize(parameters)
    # The pod's superuser logs in by its password, as over the network of a cluster.
    hba = server.data / "pg_hba.conf"
    hba.write_text("host all admin 127.0.0.1/32 scram-sha-256\n" + hba.read_text(encoding="utf-8"), encoding="utf-8")
    server.start()
    password = PASSWORD.replace("\\", "\\\\").replace("'", "\\'")
    server.sql(f"\\set password '{password}'\n{roles} {_ROLES}", database="postgres")
    server.sql("CREATE EXTENSION vector")


def _prepare(home: Path) -> None:
    home.chmod(0o755)
    for name in ("secrets", "scripts"):
        (home / name).mkdir()
        (home / name).chmod(0o755)
    url = f"postgresql://{OWNER}:{quote(PASSWORD, safe='')}@127.0.0.1/{DATABASE}?sslmode=disable"
    for name, text in (("POSTGRES_PASSWORD", PASSWORD), ("DATABASE_URL", url)):
        (home / "secrets" / name).write_text(text, encoding="utf-8")
        servers.hand_over(home / "secrets" / name, 0o440)
    for name, text in scripts.move_files().items():
        (home / "scripts" / name).write_text(text, encoding="utf-8")
        (home / "scripts" / name).chmod(0o444)
