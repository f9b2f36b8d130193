"""The move of a database to a cluster beside it, with this host in the place of its pod."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from archesai_infra.components.backups import scripts
from testbed.backups import servers
from testbed.controlplane.certificates import CertificateAuthority
from testbed.controlplane.ports import free_ports
from testbed.replication.address import Address, address
from testbed.replication.instances import DATABASE, SUPERUSER, Instance

PASSWORD = "p@ss/w%r d:'1\\"
OWNER = "arches_app"
LEFT = """SELECT (SELECT count(*) FROM pg_replication_slots) + (SELECT count(*) FROM pg_publication)
  + (SELECT count(*) FROM pg_subscription)"""
"""Counts what a move leaves on a server; after one the old server keeps the publication that marks it."""
_SECONDS = 1800
_ROLES = f"CREATE ROLE {OWNER} LOGIN; CREATE DATABASE {DATABASE} OWNER {OWNER};"


@dataclass
class Move:
    """The container that moves, between the old server and the cluster's primary."""

    old: Instance
    new: Instance
    home: Path
    service: Address
    """Leads to the server that the stack uses."""
    elsewhere: Mapping[str, str] | None = None
    """What the container is told of a server elsewhere; None for the single pod."""

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
            "POSTGRES_DB": DATABASE,
            "POSTGRES_PASSWORD_FILE": str(self.home / "secrets" / "POSTGRES_PASSWORD"),
            **(self.elsewhere or {"POSTGRES_USER": "admin", "OLD_SERVER": f"127.0.0.1:{self.old.port}"}),
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
    """The single pod and the cluster, each with roles and an empty database, and the Service that leads to the pod."""
    with _servers(programs) as (old, new, home):
        admin = "CREATE ROLE admin SUPERUSER LOGIN PASSWORD :'password';"
        _start(old, {"wal_level": "logical"}, "host all admin 127.0.0.1/32 scram-sha-256\n", admin)
        for server in (old, new):
            server.sql("CREATE EXTENSION vector")
        url = f"postgresql://{OWNER}:{quote(PASSWORD, safe='')}@127.0.0.1/{DATABASE}?sslmode=disable"
        _prepare(home, {"DATABASE_URL": url})
        with address(old) as service:
            yield Move(old, new, home, service)


@contextmanager
def moving_from_elsewhere(programs: Path, *, tls: bool = False, wal_level: str = "logical") -> Generator[Move]:
    """The same of a server that others run, where the stack has one role, which owns the database and may replicate."""
    with _servers(programs) as (old, new, home):
        ways = "host{} all {} 127.0.0.1/32 scram-sha-256\n"
        hba = ways.format("ssl", OWNER) + f"host all {OWNER} all reject\n" if tls else ways.format("", OWNER)
        old.initialize({"wal_level": wal_level})
        own: dict[str, str] = {}
        if tls:
            own = _with_certificate(old, home)
        _start(old, {}, hba, f"ALTER ROLE {OWNER} REPLICATION PASSWORD :'password';", made=True)
        mode = "verify-full" if tls else "disable"
        url = f"postgresql://{OWNER}:{quote(PASSWORD, safe='')}@localhost:{old.port}/{DATABASE}?sslmode={mode}"
        _prepare(home, {"URL": url, "username": OWNER, "password": PASSWORD})
        secrets = home / "secrets"
        told = {"OLD_URL_FILE": str(secrets / "URL"), "NEW_LOGINS": str(secrets), "CLUSTER_MAJOR": "18", **own}
        with address(old) as service:
            yield Move(old, new, home, service, told)


def _with_certificate(server: Instance, home: Path) -> dict[str, str]:
    """Have a server speak TLS; what its clients are told."""
    authority = CertificateAuthority(home / "certificates")
    pair = authority.serving("server")
    for name, source in (("server.crt", pair.certificate), ("server.key", pair.key)):
        target = server.data / name
        shutil.copy(source, target)
        target.chmod(0o600)
        if os.geteuid() == 0:
            shutil.chown(target, servers.SERVER_USER)
    server.configure({"ssl": "on"})
    ca = home / "ca.crt"
    shutil.copy(authority.certificate, ca)
    ca.chmod(0o444)
    return {"PGSSLROOTCERT": str(ca), "INSTANCES_CA": str(ca)}


@contextmanager
def _servers(programs: Path) -> Generator[tuple[Instance, Instance, Path]]:
    """The old server, not made yet, the cluster's primary, which asks everybody for a password, and a place."""
    with servers.place(servers.SERVER_USER) as directory, servers.place() as home:
        first, second = free_ports(2)
        old = Instance("old", directory, first, programs)
        new = Instance("db-1", directory, second, programs, PASSWORD)
        try:
            roles = f"ALTER ROLE {SUPERUSER} PASSWORD :'password'; ALTER ROLE {OWNER} PASSWORD :'password';"
            _start(new, {"max_logical_replication_workers": "8"}, "", roles)
            (new.data / "pg_hba.conf").write_text("host all all 127.0.0.1/32 scram-sha-256\n", encoding="utf-8")
            new.run("pg_ctl", "-D", str(new.data), "reload")
            yield old, new, home
        finally:
            old.stop()
            new.stop()


def _start(server: Instance, parameters: dict[str, str], hba: str, roles: str, *, made: bool = False) -> None:
    """Start a server with the database and its owner; `hba` are lines before those that trust everybody."""
    if not made:
        server.initialize(parameters)
    file = server.data / "pg_hba.conf"
    file.write_text(hba + file.read_text(encoding="utf-8"), encoding="utf-8")
    server.start()
    password = PASSWORD.replace("\\", "\\\\").replace("'", "\\'")
    server.sql(f"\\set password '{password}'\n{_ROLES} {roles}", database="postgres")


def _prepare(home: Path, secrets: dict[str, str]) -> None:
    home.chmod(0o755)
    for name in ("secrets", "scripts"):
        (home / name).mkdir()
        (home / name).chmod(0o755)
    for name, text in ({"POSTGRES_PASSWORD": PASSWORD} | secrets).items():
        (home / "secrets" / name).write_text(text, encoding="utf-8")
        servers.hand_over(home / "secrets" / name, 0o440)
    for name, text in scripts.move_files().items():
        (home / "scripts" / name).write_text(text, encoding="utf-8")
        (home / "scripts" / name).chmod(0o444)
