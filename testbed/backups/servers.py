"""Real servers on loopback for the dumps' scripts: PostgreSQL, Redis and an S3 service."""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict
from urllib.parse import quote

import pytest

from archesai_infra.components.redis import ManagedRedis
from archesai_infra.components.redis.users import rules
from testbed.controlplane.ports import free_ports
from testbed.programs import parts

UNPRIVILEGED = 10001
"""Who the pods run as by their manifests: a number that no image and no machine has a name for."""
SERVER_USER = "nobody"
"""Who runs PostgreSQL servers: they refuse root, and initdb wants a name."""
START_SECONDS = 60


def postgres_directory() -> Path | None:
    """Where the newest PostgreSQL's programs are: Debian keeps them off PATH."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    found = debian[-1] if debian else shutil.which("initdb")
    return Path(found).parent if found else None


def needs(*programs: str) -> None:
    """Skip by name where a program is not installed."""
    path = search_path()
    absent = [program for program in programs if shutil.which(program, path=path) is None]
    if absent:
        pytest.skip(f"not installed: {', '.join(absent)}")


def search_path() -> str:
    """PATH with PostgreSQL's programs in front: Debian's wrappers look for clusters of their own."""
    found = postgres_directory()
    path = os.environ.get("PATH", os.defpath)
    return f"{found}{os.pathsep}{path}" if found else path


class Identity(TypedDict, total=False):
    """Who a process runs as, for `subprocess`."""

    user: int | str
    group: int | str
    extra_groups: list[int | str]


def identity(user: int | str = UNPRIVILEGED) -> Identity:
    """A user without groups of root's; the tester's own where that is not root."""
    if os.geteuid() != 0:
        return {}
    group = user if isinstance(user, int) else pwd.getpwnam(user).pw_gid
    return {"user": user, "group": group, "extra_groups": []}


@contextmanager
def place(user: int | str = UNPRIVILEGED) -> Generator[Path]:
    """A directory of a user; pytest's own lets nobody else in."""
    path = Path(tempfile.mkdtemp(prefix="backups-"))
    if os.geteuid() == 0:
        shutil.chown(path, user)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def mounted(source: Path, directory: Path) -> Path:
    """A script as a pod sees it: below a directory of its user, with the mode of a ConfigMap's file."""
    target = directory / source.name
    shutil.copyfile(source, target)
    target.chmod(0o444)
    return target


def hand_over(path: Path, mode: int) -> None:
    """Give a file the mode of a volume's file and the user of the pod, where the tester may."""
    path.chmod(mode)
    if os.geteuid() == 0:
        shutil.chown(path, UNPRIVILEGED, UNPRIVILEGED)


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Nothing of the developer's own but PATH."""
    return {"PATH": search_path(), "LC_ALL": "C.UTF-8", "HOME": "/nonexistent", **extra}


def call(
    command: list[str],
    extra: Mapping[str, str] | None = None,
    *,
    stdin: str = "",
    seconds: float = 7200,
    directory: Path | None = None,
    user: int | str = UNPRIVILEGED,
) -> subprocess.CompletedProcess[str]:
    """Run a command as a user."""
    return subprocess.run(
        command,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
        env=environment(extra or {}),
        cwd=directory or "/",
        **identity(user),
    )


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


@dataclass(frozen=True)
class ObjectStore:
    """An S3 service."""

    url: str
    access_key: str = "access-key-of-a-test"
    secret_key: str = "secret-key-of-a-test"

    def rclone(self, *words: str, directory: Path | None = None) -> subprocess.CompletedProcess[str]:
        """rclone with this service as `s3:`."""
        variables = {
            "RCLONE_CONFIG": "/nonexistent/rclone.conf",
            "RCLONE_CONFIG_S3_TYPE": "s3",
            "RCLONE_CONFIG_S3_PROVIDER": "Other",
            "RCLONE_CONFIG_S3_REGION": "us-east-1",
            "RCLONE_CONFIG_S3_ENDPOINT": self.url,
            "RCLONE_CONFIG_S3_ACCESS_KEY_ID": self.access_key,
            "RCLONE_CONFIG_S3_SECRET_ACCESS_KEY": self.secret_key,
        }
        return call(["rclone", *words], variables, directory=directory)


@contextmanager
def object_store(more: Mapping[str, str] | None = None) -> Generator[ObjectStore]:
    """A running S3 service without buckets; `more` is added to its environment."""
    needs("rclone")
    if absent := parts.missing("minio"):
        pytest.skip(f"not built: {', '.join(absent)}; run: python -m testbed.programs build minio")
    with place() as directory:
        port, console = free_ports(2)
        store = ObjectStore(f"http://127.0.0.1:{port}")
        command = [str(parts.executables("minio")["minio"]), "server", str(directory / "data"),
                   "--address", f"127.0.0.1:{port}", "--console-address", f"127.0.0.1:{console}",
                   "--certs-dir", str(directory / "certs")]  # fmt: skip
        variables = {
            "MINIO_ROOT_USER": store.access_key,
            "MINIO_ROOT_PASSWORD": store.secret_key,
            "MINIO_BROWSER": "off",
            "MINIO_UPDATE": "off",
            "HOME": str(directory),
            **(more or {}),
        }
        # Built parts lie in the home directory of whoever built them.
        with running(command, variables, directory / "log", as_user=None):
            until(lambda: store.rclone("lsd", "s3:", "--retries", "1").returncode == 0, "the S3 service")
            yield store


@contextmanager
def running(
    command: list[str], variables: Mapping[str, str], log: Path, *, as_user: int | str | None = UNPRIVILEGED
) -> Generator[subprocess.Popen[bytes]]:
    """A server that ends with the block; what it says goes into the log."""
    who: Identity = {} if as_user is None else identity(as_user)
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command, env=environment(variables), cwd="/", stdin=subprocess.DEVNULL, stdout=sink, stderr=sink,
            **who,
        )  # fmt: skip
    try:
        yield process
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()


def until(probe: object, what: str) -> None:
    """Wait for what a server needs to start; raises TimeoutError."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with suppress(AssertionError):
            if callable(probe) and probe():
                return
        time.sleep(0.2)
    raise TimeoutError(f"{what} did not start within {START_SECONDS} s")
