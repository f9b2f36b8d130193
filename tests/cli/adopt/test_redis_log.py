"""What is asked of a redis before it moves, on a real one: without it the data would be gone."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from archesai_infra.cli.adopt.data import WRITE_LOG
from testbed.controlplane.ports import free_ports

pytestmark = pytest.mark.skipif(
    not (shutil.which("redis-server") and shutil.which("redis-cli")), reason="needs redis-server (Debian: redis-server)"
)

PASSWORD = "old pass"
PATH = "/usr/bin:/bin:/usr/local/bin"
SECONDS = 10


@contextmanager
def server(directory: Path, port: int, *, log: bool) -> Generator[None]:
    """A redis that keeps a log or does not, stopped as a pod is: by a signal."""
    options = ["--port", str(port), "--bind", "127.0.0.1", "--requirepass", PASSWORD, "--dir", str(directory)]
    command = ["redis-server", *options, "--appendonly", "yes" if log else "no"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + SECONDS
        while ask(port, "ping") != "PONG":
            assert time.monotonic() < deadline, "redis does not start"
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(SECONDS)


def ask(port: int, *words: str) -> str:
    command = ["redis-cli", "-p", str(port), *words]
    environment = {"PATH": PATH, "REDISCLI_AUTH": PASSWORD}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False).stdout.strip()


def write_log(port: int) -> None:
    text = WRITE_LOG.replace("redis-cli", f"redis-cli -p {port}")
    environment = {"PATH": PATH, "REDIS_PASSWORD": PASSWORD}
    subprocess.run(["sh", "-c", text], env=environment, check=True, timeout=SECONDS, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize(("asked", "found"), [(True, "value"), (False, "")])
def test_a_redis_with_a_log_begins_with_the_data_only_if_the_one_before_wrote_it(
    *, asked: bool, found: str, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    with server(tmp_path, port, log=False):
        ask(port, "set", "key", "value")
        if asked:
            write_log(port)
    assert "'" not in WRITE_LOG, "it stands between such marks in the command"
    with server(tmp_path, port, log=True):
        assert ask(port, "get", "key") == found
