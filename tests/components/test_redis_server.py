"""The scripts of redis' pod against a real redis-server."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from archesai_infra.components.redis import PASSWORD_KEY, PORT, ManagedRedis
from archesai_infra.components.redis.component import configuration
from testbed.backups.servers import UNPRIVILEGED, identity, mounted, place
from testbed.controlplane.ports import free_ports
from testbed.stacks import ROOT

SCRIPTS = ROOT / "archesai_infra" / "components" / "redis" / "scripts"

pytestmark = pytest.mark.skipif(
    not (shutil.which("redis-server") and shutil.which("redis-cli")), reason="needs redis-server (Debian: redis-server)"
)

PASSWORDS = ["plain-and-simple", r"""it's "quoted" \ and $(spaced) `out` %s \n &"""]


@pytest.fixture
def directory() -> Iterator[Path]:
    """A place that the pod's user may enter."""
    with place() as path:
        yield path


class Pod:
    """A directory in place of the pod's volumes, with the kubelet's modes, and a loopback port in place of its own."""

    def __init__(self, directory: Path, password: str) -> None:
        self.config = directory / "redis.conf"
        self.run = directory / "run"
        self.secret = directory / PASSWORD_KEY
        data = directory / "data"
        for path in (self.run, data):
            path.mkdir()
            if os.geteuid() == 0:
                os.chown(path, UNPRIVILEGED, UNPRIVILEGED)
        self.start, self.ping = (mounted(SCRIPTS / name, directory) for name in ("start.sh", "ping.sh"))
        (self.port,) = free_ports(1)
        self.set_password(password)
        text = configuration(ManagedRedis(enabled=True)).replace("/data", str(data))
        self.config.write_text(text.replace(f"port {PORT}", f"port {self.port}") + "bind 127.0.0.1\n")
        self.config.chmod(0o444)

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": "/usr/bin:/bin:/usr/local/bin",
            "REDIS_CONFIG": str(self.config),
            "REDIS_RUN": str(self.run),
            "REDIS_PASSWORD_FILE": str(self.secret),
            "REDIS_PORT": str(self.port),
        }

    def set_password(self, password: str) -> None:
        self.secret.unlink(missing_ok=True)
        self.secret.write_text(password, encoding="utf-8")
        if os.geteuid() == 0:
            os.chown(self.secret, 0, UNPRIVILEGED)
        self.secret.chmod(0o440)

    def ready(self) -> bool:
        """Whether the probe says so."""
        command = ["/bin/sh", str(self.ping)]
        done = subprocess.run(command, env=self.environment, capture_output=True, check=False, cwd="/", **identity())
        return done.returncode == 0

    def ask(self, *command: str, password: str) -> str:
        done = subprocess.run(
            ["redis-cli", "-h", "127.0.0.1", "-p", str(self.port), *command],
            env={"PATH": "/usr/bin:/bin:/usr/local/bin", "REDISCLI_AUTH": password},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    @contextmanager
    def running(self) -> Generator[subprocess.Popen[bytes]]:
        command = ["/bin/sh", str(self.start)]
        with subprocess.Popen(
            command, env=self.environment, stdout=subprocess.DEVNULL, cwd="/", **identity()
        ) as process:
            try:
                deadline = time.monotonic() + 30
                while not self.ready():
                    assert process.poll() is None
                    assert time.monotonic() < deadline, "redis-server did not come up"
                    time.sleep(0.05)
                yield process
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(timeout=30)


@pytest.mark.parametrize("password", PASSWORDS)
def test_the_server_takes_the_password_of_its_file_and_no_other(password: str, directory: Path) -> None:
    pod = Pod(directory, password)
    with pod.running() as process:
        assert pod.ask("ping", password=password) == "PONG"
        assert "NOAUTH" in pod.ask("ping", password=f"{password}x")
        command_line = subprocess.run(
            ["ps", "-o", "args=", "-p", str(process.pid)], capture_output=True, text=True, check=True
        ).stdout
        assert "redis-server" in command_line
        assert password not in command_line


def test_the_probe_fails_on_a_wrong_password_where_redis_cli_itself_does_not(directory: Path) -> None:
    pod = Pod(directory, PASSWORDS[0])
    with pod.running():
        pod.set_password("another")
        assert not pod.ready()
        assert "NOAUTH" in pod.ask("ping", password="another")


def test_the_probe_fails_where_nobody_listens(directory: Path) -> None:
    assert not Pod(directory, PASSWORDS[0]).ready()


def test_the_server_starts_again_over_the_configuration_of_its_last_start(directory: Path) -> None:
    pod = Pod(directory, PASSWORDS[0])
    for _ in range(2):
        with pod.running():
            assert pod.ask("ping", password=PASSWORDS[0]) == "PONG"


def test_data_outlives_a_stop(directory: Path) -> None:
    pod = Pod(directory, PASSWORDS[0])
    with pod.running() as process:
        assert pod.ask("set", "document", "kept", password=PASSWORDS[0]) == "OK"
    assert process.returncode == 0
    with pod.running():
        assert pod.ask("get", "document", password=PASSWORDS[0]) == "kept"
        assert pod.ask("config", "get", "appendonly", password=PASSWORDS[0]).split() == ["appendonly", "yes"]
        assert pod.ask("config", "get", "maxmemory", password=PASSWORDS[0]).split() == ["maxmemory", "161061273"]


def test_the_configuration_with_the_password_is_for_the_server_alone(directory: Path) -> None:
    pod = Pod(directory, PASSWORDS[0])
    with pod.running():
        assert (pod.run / "redis.conf").stat().st_mode & 0o077 == 0
