"""The scripts of redis' pod against a real redis-server."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from archesai_infra.components.redis import (
    CONFIG_PATH,
    PASSWORD_KEY,
    PING,
    PORT,
    RUN_PATH,
    SECRETS_PATH,
    START,
    ManagedRedis,
    configuration,
)
from testbed.controlplane.ports import free_ports

pytestmark = pytest.mark.skipif(
    not (shutil.which("redis-server") and shutil.which("redis-cli")), reason="needs redis-server (Debian: redis-server)"
)

PASSWORDS = ["plain-and-simple", r"""it's "quoted" \ and $(spaced) `out` %s \n &"""]


class Pod:
    """A directory in place of the pod's volumes, and a loopback port in place of its own."""

    def __init__(self, directory: Path, password: str) -> None:
        self.places = {
            CONFIG_PATH: directory / "etc",
            RUN_PATH: directory / "run",
            SECRETS_PATH: directory / "secrets",
            "/data": directory / "data",
        }
        for place in self.places.values():
            place.mkdir()
        (self.port,) = free_ports(1)
        self.set_password(password)
        text = self.moved(configuration(ManagedRedis(enabled=True))) + "bind 127.0.0.1\n"
        (self.places[CONFIG_PATH] / "redis.conf").write_text(text, encoding="utf-8")

    def moved(self, text: str) -> str:
        for path, place in self.places.items():
            text = text.replace(path, str(place))
        return text.replace(str(PORT), str(self.port))

    def set_password(self, password: str) -> None:
        (self.places[SECRETS_PATH] / PASSWORD_KEY).write_text(password, encoding="utf-8")

    def ready(self) -> bool:
        """Whether the probe says so."""
        return subprocess.run(["/bin/sh", "-c", self.moved(PING)], capture_output=True, check=False).returncode == 0

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
        with subprocess.Popen(["/bin/sh", "-c", self.moved(START)], stdout=subprocess.DEVNULL) as process:
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
def test_the_server_takes_the_password_of_its_file_and_no_other(password: str, tmp_path: Path) -> None:
    pod = Pod(tmp_path, password)
    with pod.running() as process:
        assert pod.ask("ping", password=password) == "PONG"
        assert "NOAUTH" in pod.ask("ping", password=f"{password}x")
        command_line = subprocess.run(
            ["ps", "-o", "args=", "-p", str(process.pid)], capture_output=True, text=True, check=True
        ).stdout
        assert "redis-server" in command_line
        assert password not in command_line


def test_the_probe_fails_on_a_wrong_password_where_redis_cli_itself_does_not(tmp_path: Path) -> None:
    pod = Pod(tmp_path, PASSWORDS[0])
    with pod.running():
        pod.set_password("another")
        assert not pod.ready()
        assert "NOAUTH" in pod.ask("ping", password="another")


def test_the_probe_fails_where_nobody_listens(tmp_path: Path) -> None:
    assert not Pod(tmp_path, PASSWORDS[0]).ready()


def test_data_outlives_a_stop(tmp_path: Path) -> None:
    pod = Pod(tmp_path, PASSWORDS[0])
    with pod.running() as process:
        assert pod.ask("set", "document", "kept", password=PASSWORDS[0]) == "OK"
    assert process.returncode == 0
    with pod.running():
        assert pod.ask("get", "document", password=PASSWORDS[0]) == "kept"
        assert pod.ask("config", "get", "appendonly", password=PASSWORDS[0]).split() == ["appendonly", "yes"]
        assert pod.ask("config", "get", "maxmemory", password=PASSWORDS[0]).split() == ["maxmemory", "161061273"]


def test_the_configuration_with_the_password_is_for_the_server_alone(tmp_path: Path) -> None:
    pod = Pod(tmp_path, PASSWORDS[0])
    with pod.running():
        assert (pod.places[RUN_PATH] / "redis.conf").stat().st_mode & 0o077 == 0
