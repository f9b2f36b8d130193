"""Redis' dump: the rendered hook against a real server."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from archesai_infra.components.backups import scripts
from testbed.backups import redis_server, rendered, servers
from testbed.backups.redis_server import Redis

pytestmark = pytest.mark.long


class DumpPod:
    """The dump pod's container for redis, on this host."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.store = home / "volume"
        self.store.mkdir()
        if os.geteuid() == 0:
            shutil.chown(self.store, servers.UNPRIVILEGED)
        rendered.write_scripts("dump-scripts", home)

    def environment(self, server: Redis, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """What the container has, with this host's paths and ports."""
        container = rendered.container("StatefulSet", "archesai-dump", "redis")
        own = {
            "SCRIPTS": str(self.home / "dump-scripts"),
            "BACKUP_DIR": str(self.store),
            "REDIS_HOST": "127.0.0.1",
            "REDIS_PORT": str(server.port),
            "REDISCLI_AUTH": server.user_password("dump"),
        }
        return rendered.plain_environment(container) | own | dict(extra or {})

    def hook(self, server: Redis, extra: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run Velero's hook."""
        return servers.call(rendered.hook("redis"), self.environment(server, extra))

    def restore(self, server: Redis, name: str = "") -> subprocess.CompletedProcess[str]:
        """Run the restore as `arches restore` does."""
        command = [*scripts.run("restore-redis.sh"), *([name] if name else [])]
        return servers.call(command, self.environment(server), stdin=f"{server.user_password('restore')}\n")

    def dumps(self) -> list[str]:
        """Names of the dumps."""
        directory = self.store / "redis"
        return sorted(path.name for path in directory.iterdir() if re.fullmatch(rendered.NAME_PATTERN, path.name))


@pytest.fixture
def pod() -> Iterator[DumpPod]:
    with servers.place() as home:
        yield DumpPod(home)


@pytest.fixture(scope="module")
def source() -> Iterator[Redis]:
    with redis_server.redis() as server:
        server.cli(stdin="SET plain value\nSET short x EX 3000\nSELECT 3\nHSET hash a 1 b 2\nRPUSH list 1 2 3\n")
        server.cli("EVAL", "for i = 1, 5000 do redis.call('SET', 'key:' .. i, i) end", "0")
        # A key and a value of any bytes, also those that no command line carries.
        server.cli("EVAL", r"redis.call('SET', 'bytes\0\255\r\n', '\1\2\0\255')", "0")
        yield server


@pytest.fixture
def target() -> Iterator[Redis]:
    with redis_server.redis(password="q\"uo'te") as server:
        yield server


def _write(server: Redis) -> subprocess.Popen[bytes]:
    script = "while :; do redis-cli --no-auth-warning -p $PORT INCR counter; done"
    variables = servers.environment({"REDISCLI_AUTH": server.password, "PORT": str(server.port)})
    return subprocess.Popen(["/bin/sh", "-c", script], env=variables, stdout=subprocess.DEVNULL)


def test_a_dump_taken_under_load_brings_every_key_to_another_server(pod: DumpPod, source: Redis, target: Redis) -> None:
    source.cli("SET", "counter", "1")
    writer = _write(source)
    try:
        time.sleep(0.5)
        made = pod.hook(source)
        assert made.returncode == 0, made.stderr
    finally:
        writer.kill()
        writer.wait()
    restored = pod.restore(target)
    assert restored.returncode == 0, restored.stderr
    assert target.cli("GET", "plain") == "value"
    assert target.cli("-n", "3", "HGETALL", "hash").split() == ["a", "1", "b", "2"]
    assert target.cli("-n", "3", "LRANGE", "list", "0", "-1").split() == ["1", "2", "3"]
    assert target.cli("EVAL", r"return redis.call('GET', 'bytes\0\255\r\n') == '\1\2\0\255'", "0") == "1"
    assert int(target.cli("DBSIZE")) == int(source.cli("DBSIZE"))
    assert 1 < int(target.cli("GET", "counter")) <= int(source.cli("GET", "counter"))
    assert f"{int(target.cli('DBSIZE')) + 2} keys" in restored.stdout


def test_what_is_left_of_a_key_s_time_to_live_comes_back(pod: DumpPod, source: Redis, target: Redis) -> None:
    assert pod.hook(source).returncode == 0
    assert pod.restore(target).returncode == 0
    assert 0 < int(target.cli("TTL", "short")) <= 3000
    assert target.cli("TTL", "plain") == "-1"


def test_keys_that_came_after_the_dump_are_gone_after_a_restore(pod: DumpPod, source: Redis, target: Redis) -> None:
    assert pod.hook(source).returncode == 0
    target.cli("SET", "later", "1")
    assert pod.restore(target).returncode == 0
    assert target.cli("EXISTS", "later") == "0"


def test_a_wrong_password_fails_the_hook_and_the_older_dump_stays(pod: DumpPod, source: Redis) -> None:
    assert pod.hook(source).returncode == 0
    kept = pod.dumps()
    done = pod.hook(source, {"REDISCLI_AUTH": "wrong"})
    assert done.returncode not in (0, 75)
    assert pod.dumps() == kept
    assert not (pod.store / "redis" / ".part").exists()


def test_a_server_that_is_away_fails_the_hook_and_the_older_dump_stays(pod: DumpPod, source: Redis) -> None:
    assert pod.hook(source).returncode == 0
    kept = pod.dumps()
    assert pod.hook(source, {"REDIS_PORT": "1"}).returncode == 1
    assert pod.dumps() == kept


def test_a_full_disk_fails_the_hook_and_the_older_dump_stays(pod: DumpPod, source: Redis) -> None:
    assert pod.hook(source).returncode == 0
    kept = pod.dumps()
    limited = ["/bin/sh", "-c", "trap '' XFSZ; ulimit -f 20; exec \"$@\"", "limited", *rendered.hook("redis")]
    done = servers.call(limited, pod.environment(source))
    assert done.returncode not in (0, 75), done.stderr
    assert pod.dumps() == kept


def test_a_damaged_dump_is_not_handed_over(pod: DumpPod, source: Redis, target: Redis) -> None:
    assert pod.hook(source).returncode == 0
    file = pod.store / "redis" / pod.dumps()[-1] / "dump.rdb"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    target.cli("SET", "live", "1")
    assert pod.restore(target).returncode != 0
    assert target.cli("GET", "live") == "1"


def test_a_wrong_password_of_the_target_leaves_it_as_it_is(pod: DumpPod, source: Redis, target: Redis) -> None:
    assert pod.hook(source).returncode == 0
    target.cli("SET", "live", "1")
    assert pod.restore(redis_server.Redis(target.port, "wrong")).returncode != 0
    assert target.cli("GET", "live") == "1"


def test_the_pod_s_own_password_replaces_nothing(pod: DumpPod, source: Redis, target: Redis) -> None:
    assert pod.hook(source).returncode == 0
    target.cli("SET", "live", "1")
    own = servers.call(scripts.run("restore-redis.sh"), pod.environment(target))
    assert own.returncode == 64
    assert "the password of user restore is expected on standard input" in own.stderr
    as_dump = pod.environment(target) | {"REDIS_RESTORE_USER": "dump"}
    line = f"{target.user_password('dump')}\n"
    assert "NOPERM" in servers.call(scripts.run("restore-redis.sh"), as_dump, stdin=line).stderr
    assert target.cli("GET", "live") == "1"


def test_an_external_server_has_one_password_for_all(pod: DumpPod, source: Redis, target: Redis) -> None:
    nobody = {"REDIS_USER": "", "REDIS_RESTORE_USER": ""}
    made = pod.hook(source, nobody | {"REDISCLI_AUTH": source.password})
    assert made.returncode == 0, made.stderr
    variables = pod.environment(target) | nobody | {"REDISCLI_AUTH": target.password}
    done = servers.call(scripts.run("restore-redis.sh"), variables)
    assert done.returncode == 0, done.stderr
    assert target.cli("GET", "plain") == "value"


def test_the_hook_runs_with_busybox_too(pod: DumpPod, source: Redis) -> None:
    servers.needs("busybox")
    # The image of redis is Alpine's: all its tools are one busybox.
    programs = pod.home / "programs"
    programs.mkdir()
    listed = subprocess.run(["busybox", "--list"], capture_output=True, text=True, check=True).stdout.split()
    for name in set(listed) & {"awk", "date", "flock", "grep", "ls", "mkdir", "mv", "rm", "sed", "sh", "sort", "sync",
                               "tail", "timeout", "wc", "cat"}:  # fmt: skip
        (programs / name).symlink_to(shutil.which("busybox") or "")
    # Debian's busybox is built without flock; Alpine's has it.
    for name in {"redis-cli", "redis-check-rdb", "flock"} - {path.name for path in programs.iterdir()}:
        (programs / name).symlink_to(shutil.which(name) or "")
    command = [str(programs / "sh"), *rendered.hook("redis")[1:]]
    environment = pod.environment(source, {"PATH": str(programs)})
    done = servers.call(command, environment)
    assert done.returncode == 0, done.stderr
    assert len(pod.dumps()) == 1
