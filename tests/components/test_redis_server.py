"""The scripts of redis' pod against a real redis-server."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import urllib3

from archesai_infra.components.redis import PASSWORD_KEY, PORT, ManagedRedis
from archesai_infra.components.redis.configuration import configuration
from archesai_infra.components.redis.settings import DATA_SHARE
from archesai_infra.components.redis.users import rules
from testbed.backups.servers import UNPRIVILEGED, identity, mounted, place
from testbed.controlplane.ports import free_ports
from testbed.stacks import ROOT

SCRIPTS = ROOT / "archesai_infra" / "components" / "redis" / "scripts"

pytestmark = pytest.mark.skipif(
    not (shutil.which("redis-server") and shutil.which("redis-cli")), reason="needs redis-server (Debian: redis-server)"
)

USERS = ("exporter", "dump", "restore")
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
        self.passwords = directory / "passwords"
        self.data = data = directory / "data"
        for path in (self.run, data, self.passwords):
            path.mkdir()
            if os.geteuid() == 0:
                os.chown(path, UNPRIVILEGED, UNPRIVILEGED)
        names = ("start.sh", "ping.sh", "repair.sh")
        self.start, self.ping, self.repair = (mounted(SCRIPTS / name, directory) for name in names)
        (self.port,) = free_ports(1)
        self.set_password(PASSWORD_KEY, password)
        for user in USERS:
            self.set_password(user, f"{password} of {user}")
        self.users = directory / "users"
        self.users.write_text(rules(ManagedRedis(enabled=True)), encoding="utf-8")
        self.users.chmod(0o444)
        text = configuration(ManagedRedis(enabled=True)).replace("/data", str(data))
        self.config.write_text(text.replace(f"port {PORT}", f"port {self.port}") + "bind 127.0.0.1\n")
        self.config.chmod(0o444)

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": "/usr/bin:/bin:/usr/local/bin",
            "REDIS_CONFIG": str(self.config),
            "REDIS_RUN": str(self.run),
            "REDIS_PASSWORDS": str(self.passwords),
            "REDIS_USERS": str(self.users),
            "REDIS_PORT": str(self.port),
            "REDIS_DATA": str(self.data),
            "REDIS_REPAIR": str(self.repair),
        }

    def set_password(self, name: str, password: str) -> None:
        secret = self.passwords / name
        secret.unlink(missing_ok=True)
        secret.write_text(password, encoding="utf-8")
        if os.geteuid() == 0:
            os.chown(secret, 0, UNPRIVILEGED)
        secret.chmod(0o440)

    def ready(self) -> bool:
        """Whether the probe says so."""
        command = ["/bin/sh", str(self.ping)]
        done = subprocess.run(command, env=self.environment, capture_output=True, check=False, cwd="/", **identity())
        return done.returncode == 0

    def ask(self, *command: str, password: str, user: str = "default") -> str:
        done = subprocess.run(
            ["redis-cli", "-h", "127.0.0.1", "-p", str(self.port), "--user", user, *command],
            env={"PATH": "/usr/bin:/bin:/usr/local/bin", "REDISCLI_AUTH": password},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def as_user(self, user: str, *command: str) -> str:
        """The answer to a user's command."""
        name = PASSWORD_KEY if user == "default" else user
        return self.ask(*command, password=(self.passwords / name).read_text(encoding="utf-8"), user=user)

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
        pod.set_password(PASSWORD_KEY, "another")
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
        for name, value in (("appendonly", "yes"), ("maxmemory", "120795955")):
            assert pod.as_user("exporter", "config", "get", name).split() == [name, value]


def test_the_configuration_with_the_password_is_for_the_server_alone(directory: Path) -> None:
    pod = Pod(directory, PASSWORDS[0])
    with pod.running():
        assert (pod.run / "redis.conf").stat().st_mode & 0o077 == 0


REFUSED = {
    "default": [
        ("acl", "setuser", "back-door", "on", "nopass", "~*", "+@all"),
        ("config", "set", "appendonly", "no"),
        ("replicaof", "192.0.2.1", "6379"),
        ("flushall",),
        ("keys", "*"),
        ("shutdown", "nosave"),
        ("bgrewriteaof",),
        ("replconf", "capa", "eof"),
    ],
    "exporter": [
        ("get", "document"),
        ("set", "document", "1"),
        ("flushall",),
        ("slowlog", "get"),
        ("config", "set", "save", ""),
    ],
    "dump": [("get", "document"), ("set", "document", "1"), ("flushall",), ("config", "get", "*"), ("acl", "list")],
    "restore": [("get", "document"), ("acl", "list"), ("config", "get", "*"), ("replicaof", "192.0.2.1", "6379")],
}
ALLOWED = {
    "default": [
        ("set", "document", "kept"),
        ("publish", "channel", "text"),
        ("eval", "return redis.call('incr', 'counter')", "0"),
        ("xadd", "stream", "*", "field", "value"),
        ("info", "server"),
        ("scan", "0"),
    ],
    "exporter": [("info", "all"), ("config", "get", "*"), ("slowlog", "len"), ("latency", "latest")],
    "dump": [("ping",)],
    "restore": [("ping",), ("select", "3"), ("flushall",)],
}


@pytest.mark.parametrize("password", PASSWORDS)
def test_each_user_runs_its_commands_and_no_others(password: str, directory: Path) -> None:
    pod = Pod(directory, password)
    with pod.running():
        for user, commands in ALLOWED.items():
            for command in commands:
                assert "NOPERM" not in pod.as_user(user, *command), (user, command)
        for user, commands in REFUSED.items():
            for command in commands:
                assert "NOPERM" in pod.as_user(user, *command), (user, command)
        known = pod.as_user("exporter", "config", "get", "*")
        assert not [secret for secret in pod.passwords.iterdir() if secret.read_text(encoding="utf-8") in known]


def test_nobody_comes_in_without_a_password(directory: Path) -> None:
    pod = Pod(directory, PASSWORDS[0])
    with pod.running():
        for user in ("default", *USERS):
            assert "NOAUTH" in pod.ask("ping", password="", user=user) or "WRONGPASS" in pod.ask(
                "ping", password="none", user=user
            )


@pytest.mark.skipif(shutil.which("prometheus-redis-exporter") is None, reason="needs prometheus-redis-exporter")
def test_the_exporter_reads_what_alerts_and_dashboards_show_with_its_own_user(directory: Path) -> None:
    pod = Pod(directory, PASSWORDS[0])
    (port,) = free_ports(1)
    secret = (pod.passwords / "exporter").read_text(encoding="utf-8")
    variables = {"REDIS_ADDR": f"redis://127.0.0.1:{pod.port}", "REDIS_USER": "exporter", "REDIS_PASSWORD": secret}
    with pod.running():
        pod.as_user("default", "set", "document", "kept")
        variables |= {"PATH": os.environ["PATH"]}
        command = ["prometheus-redis-exporter", f"--web.listen-address=127.0.0.1:{port}"]
        with subprocess.Popen(command, env=variables, stderr=subprocess.DEVNULL) as exporter:
            try:
                page = urllib3.request(
                    "GET", f"http://127.0.0.1:{port}/metrics", retries=urllib3.Retry(20, backoff_factor=0.1)
                ).data.decode()
            finally:
                exporter.terminate()
                exporter.wait(timeout=10)
    lines = page.splitlines()
    assert "redis_up 1" in lines
    assert "redis_memory_max_bytes 1.20795955e+08" in lines
    for name in ("redis_memory_used_bytes", "redis_aof_last_write_status", "redis_connected_clients", "redis_db_keys"):
        assert [line for line in lines if line.startswith(name)], name


def _filled(directory: Path) -> tuple[Pod, Path]:
    """A stopped pod with a key, and the newest part of its append-only file."""
    pod = Pod(directory, PASSWORDS[0])
    with pod.running():
        pod.as_user("default", "set", "kept", "value")
    return pod, max((pod.data / "appendonlydir").glob("*.incr.aof"))


def _failing_start(pod: Pod) -> subprocess.CompletedProcess[str]:
    command = ["/bin/sh", str(pod.start)]
    return subprocess.run(
        command, env=pod.environment, capture_output=True, text=True, check=False, cwd="/", timeout=60, **identity()
    )


def test_an_append_only_file_that_a_full_disk_broke_is_cut_at_the_next_start(directory: Path) -> None:
    pod, log = _filled(directory)
    garbage = b"*3\r\n$3\r\nSET\r\n$4\r\nlo\0\0\0\0\0\0garbage\r\n*1\r\n"
    with log.open("ab") as file:
        file.write(garbage)
    first = _failing_start(pod)
    assert first.returncode != 0
    assert "Bad file format reading the append only file" in first.stdout, "redis alone refuses it"
    with pod.running():
        assert pod.as_user("default", "get", "kept") == "value"
        pod.as_user("default", "set", "later", "value")
    assert (pod.data / "unreadable.aof").read_bytes().endswith(garbage[-20:])
    with pod.running():
        assert pod.as_user("default", "get", "later") == "value"


def test_a_broken_snapshot_is_left_as_it_is_and_named(directory: Path) -> None:
    pod, _ = _filled(directory)
    base = next((pod.data / "appendonlydir").glob("*.base.rdb"))
    base.write_bytes(b"no snapshot")
    assert _failing_start(pod).returncode != 0
    second = _failing_start(pod)
    assert second.returncode == 65
    assert "cannot be repaired: see RedisUnreachable" in second.stderr
    assert base.read_bytes() == b"no snapshot"


def test_the_runbook_sets_a_broken_snapshot_aside_and_redis_starts_empty(directory: Path) -> None:
    pod, _ = _filled(directory)
    base = next((pod.data / "appendonlydir").glob("*.base.rdb"))
    base.write_bytes(b"no snapshot")
    _failing_start(pod)
    runbook = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8").partition("### RedisUnreachable")[2]
    found = re.search(r'"command": (\["mv", "/data/[^]]+\])', runbook)
    assert found is not None
    subprocess.run(json.loads(found[1].replace("/data", str(pod.data))), check=True, **identity())
    with pod.running():
        assert pod.as_user("default", "dbsize") == "0"
    assert (pod.data / "broken" / base.name).read_bytes() == b"no snapshot"


def test_a_start_after_a_ready_one_checks_nothing(directory: Path) -> None:
    pod, _ = _filled(directory)
    assert not (pod.data / ".starting").exists()
    pod.repair.unlink()
    with pod.running():
        assert pod.as_user("default", "get", "kept") == "value"


def _resident(process: int) -> int:
    """Bytes of a process and its children, each page once."""
    found = subprocess.run(["pgrep", "-P", str(process)], capture_output=True, text=True, check=False).stdout.split()
    total = 0
    for pid in (str(process), *found):
        with suppress(OSError):
            [line] = [
                line for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines() if line.startswith("Pss:")
            ]
            total += int(line.split()[1]) * 2**10
    return total


@pytest.mark.long
def test_a_rewrite_under_writers_that_change_every_key_stays_below_the_memory_limit(directory: Path) -> None:
    limit = 2**28
    pod = Pod(directory, PASSWORDS[0])
    bound = int(limit * DATA_SHARE)
    with pod.running() as process:
        load = ["redis-benchmark", "-p", str(pod.port), "-a", PASSWORDS[0], "-t", "set", "-r", "1000000", "-d", "1024",
                "-P", "16", "-c", "10", "-q", "-n"]  # fmt: skip
        subprocess.run([*load, str(bound // 900)], check=True, capture_output=True)
        writers = subprocess.Popen([*load, "100000000"], stdout=subprocess.DEVNULL)
        try:
            seen = [0]
            # The file doubles, and so it is rewritten, again and again.
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline and max(seen) < bound * 1.3:
                seen.append(_resident(process.pid))
                time.sleep(0.05)
            deadline = time.monotonic() + 5
            while time.monotonic() < deadline:
                seen.append(_resident(process.pid))
                time.sleep(0.05)
        finally:
            writers.kill()
            writers.wait()
    assert bound * 1.3 < max(seen) < limit
