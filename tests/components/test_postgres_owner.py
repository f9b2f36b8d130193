"""A real PostgreSQL on files that another user wrote, as the pod's manifest identifies it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from testbed.backups.servers import SERVER_USER, call, needs, place
from testbed.stacks import Config, find, render

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may run servers as other users")


@pytest.fixture(scope="module")
def volume() -> Generator[Path]:
    """A volume that the old deployment's server wrote."""
    needs("initdb", "pg_ctl")
    with place(SERVER_USER) as directory:
        data = directory / "pgdata"
        done = call(["initdb", "-D", str(data), "-U", "admin", "--no-sync"], user=SERVER_USER)
        assert done.returncode == 0, done.stderr
        yield directory


def _identity(config: Config) -> dict[str, Any]:
    stack = render({"database": config})
    return find(stack, "StatefulSet", "archesai-postgres")["spec"]["template"]["spec"]["securityContext"]


def _start(volume: Path, identity: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """Start the server after the kubelet's walk and the entrypoint's chmod, and stop it; the output holds its log."""
    for path in (volume, *volume.rglob("*")):
        os.chown(path, -1, identity["fsGroup"])
        path.chmod(path.stat().st_mode | (0o2770 if path.is_dir() else 0o660))
    data = volume / "pgdata"
    options = f"-c listen_addresses= -c unix_socket_directories={volume} -c fsync=off"
    with place(identity["runAsUser"]) as scratch:
        log = scratch / "log"
        start = f"pg_ctl -D {data} -w -t 60 -l {log} -o '{options}' start; status=$?; cat {log}; [ $status = 0 ]"
        script = f"chmod 0700 {data} 2>/dev/null; {start} && pg_ctl -D {data} -m fast stop"
        return call(["/bin/sh", "-c", script], user=identity["runAsUser"])


def test_the_server_starts_as_the_user_that_the_files_belong_to(volume: Path) -> None:
    identity = _identity({"runAsUser": volume.stat().st_uid})
    assert identity["runAsGroup"] == identity["fsGroup"] == volume.stat().st_uid
    done = _start(volume, identity)
    assert done.returncode == 0, done.stdout
    assert "ready to accept connections" in done.stdout


def test_the_server_refuses_the_files_as_the_default_user(volume: Path) -> None:
    done = _start(volume, _identity({}))
    assert done.returncode != 0
    assert "wrong ownership" in done.stdout


@pytest.mark.parametrize(("module", "name"), [("redis", "archesai-redis"), ("storage", "archesai-storage")])
def test_redis_and_storage_run_as_the_user_and_group_of_their_files_too(module: str, name: str) -> None:
    stack = render({module: {"enabled": True, "runAsUser": 999, "runAsGroup": 1000}})
    identity = find(stack, "StatefulSet", name)["spec"]["template"]["spec"]["securityContext"]
    assert (identity["runAsUser"], identity["runAsGroup"], identity["fsGroup"]) == (999, 1000, 1000)
