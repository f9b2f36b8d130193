"""The database's dump: the rendered hook against a real PostgreSQL."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from archesai_infra.components.backups import scripts
from testbed.backups import postgres_server, rendered, servers
from testbed.backups.postgres_server import Postgres
from testbed.stacks import ROOT

pytestmark = pytest.mark.long
DRILLS = 10


@dataclass
class DumpPod:
    """The dump pod's container, its volume and its environment, on this host."""

    home: Path
    url: str
    extra: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def store(self) -> Path:
        """The volume."""
        return self.home / "volume"

    @property
    def environment(self) -> dict[str, str]:
        """What the container has, with this host's paths."""
        container = rendered.container("StatefulSet", "archesai-dump", "postgres")
        own = {
            "SCRIPTS": str(self.home / "dump-scripts"),
            "BACKUP_DIR": str(self.store),
            "DATABASE_URL": self.url,
            "ADMINISTRATOR_PASSWORD": unquote(urlsplit(self.url).password or ""),
        }
        return rendered.plain_environment(container) | own | self.extra

    def hook(self, extra: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run Velero's hook."""
        return servers.call(rendered.hook("database"), {**self.environment, **(extra or {})})

    def restore(self, url: str, name: str = "") -> subprocess.CompletedProcess[str]:
        """Run the restore as `arches restore` does."""
        words = [name] if name else []
        command = [*scripts.run("restore-database.sh"), *words]
        password = unquote(urlsplit(url).password or "")
        return servers.call(command, self.environment | {"DATABASE_URL": url, "ADMINISTRATOR_PASSWORD": password})

    def dumps(self) -> list[str]:
        """Names of the dumps, the oldest first."""
        directory = self.store / "database"
        if not directory.exists():
            return []
        return sorted(path.name for path in directory.iterdir() if re.fullmatch(rendered.NAME_PATTERN, path.name))


@pytest.fixture(scope="module")
def source() -> Iterator[Postgres]:
    """A server with pgbench's tables."""
    with postgres_server.postgres() as server:
        made = servers.call(["pgbench", "-i", "-q", "-s", "1"], server.variables)
        assert made.returncode == 0, made.stderr
        server.sql("CREATE ROLE reader LOGIN PASSWORD 'x'; GRANT SELECT ON pgbench_accounts TO reader")
        yield server


@pytest.fixture(scope="module")
def target() -> Iterator[Postgres]:
    """Another, empty server."""
    with postgres_server.postgres() as server:
        yield server


@pytest.fixture
def pod(source: Postgres) -> Iterator[DumpPod]:
    """The dump pod, its hooks connected to the source."""
    with servers.place() as home:
        rendered.write_scripts("dump-scripts", home)
        found = DumpPod(home, source.url)
        found.store.mkdir()
        if os.geteuid() == 0:
            shutil.chown(found.store, servers.UNPRIVILEGED)
        yield found


def _sums(server: Postgres) -> list[str]:
    """pgbench's invariant: every transaction adds the same amount in four places."""
    parts = ("pgbench_accounts", "abalance"), ("pgbench_branches", "bbalance"), ("pgbench_tellers", "tbalance")
    found = [server.sql(f"SELECT sum({column}) FROM {table}") for table, column in parts]  # noqa: S608 - fixed names
    return [*found, server.sql("SELECT coalesce(sum(delta), 0) FROM pgbench_history")]


def test_a_dump_taken_under_load_restores_on_another_server_with_its_invariants_every_time(
    pod: DumpPod, source: Postgres, target: Postgres
) -> None:
    servers.needs("pg_amcheck")
    for _ in range(DRILLS):
        before = int(source.sql("SELECT count(*) FROM pgbench_history"))
        with postgres_server.write_load(source) as load:
            made = pod.hook()
            assert made.returncode == 0, made.stderr
            assert load.running()
        restored = pod.restore(target.url)
        assert restored.returncode == 0, restored.stderr
        sums = _sums(target)
        assert len(set(sums)) == 1, sums
        assert before <= int(target.sql("SELECT count(*) FROM pgbench_history"))
        checked = servers.call(
            ["pg_amcheck", "--install-missing", "--heapallindexed", "-d", "archesai"], target.variables
        )
        assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_database_with_a_hyphen_in_its_name_is_dumped_and_restored_in_place(pod: DumpPod, source: Postgres) -> None:
    hyphenated = replace(source, database="archesai-db")
    source.sql('CREATE DATABASE "archesai-db"')
    hyphenated.sql("CREATE TABLE kept AS SELECT 1 AS value")
    made = pod.hook({"DATABASE_URL": hyphenated.url})
    assert made.returncode == 0, made.stderr
    hyphenated.sql("DELETE FROM kept")
    restored = pod.restore(hyphenated.url)
    assert restored.returncode == 0, restored.stderr
    assert hyphenated.sql("SELECT value FROM kept") == "1"


def test_the_load_changes_the_sums_so_that_equal_ones_mean_something(source: Postgres) -> None:
    with postgres_server.write_load(source, rate=500):
        time.sleep(1)
    assert int(source.sql("SELECT count(*) FROM pgbench_history")) > 0


def test_the_dump_holds_roles_with_their_grants(pod: DumpPod, target: Postgres) -> None:
    assert pod.hook().returncode == 0
    assert pod.restore(target.url).returncode == 0
    granted = target.sql("SELECT has_table_privilege('reader', 'pgbench_accounts', 'SELECT')")
    assert granted == "t"


def test_a_restore_keeps_the_application_s_own_password(pod: DumpPod, target: Postgres) -> None:
    assert pod.hook().returncode == 0
    target.sql("ALTER ROLE admin PASSWORD 'rotated'")
    other = postgres_server.Postgres(target.directory, target.port, "rotated", target.database)
    try:
        restored = pod.restore(other.url)
        assert restored.returncode == 0, restored.stderr
        assert other.sql("SELECT 1") == "1"
    finally:
        other.sql(f"ALTER ROLE admin PASSWORD '{target.password}'")


def test_a_restore_keeps_the_database_that_was_there(pod: DumpPod, source: Postgres, target: Postgres) -> None:
    assert pod.hook().returncode == 0
    assert pod.restore(target.url).returncode == 0
    target.sql("CREATE TABLE later (id int)")
    restored = pod.restore(target.url)
    assert restored.returncode == 0, restored.stderr
    kept = re.search(r"kept as (\S+)", restored.stdout)
    assert kept
    assert target.sql("SELECT count(*) FROM later", database=kept[1]) == "0"
    assert target.sql("SELECT to_regclass('later') IS NULL") == "t"
    assert len(set(_sums(target))) == 1
    assert _sums(target) == _sums(source)


def test_a_restore_goes_through_while_the_application_keeps_connecting(pod: DumpPod, target: Postgres) -> None:
    assert pod.hook().returncode == 0
    assert pod.restore(target.url).returncode == 0
    with postgres_server.write_load(target):
        restored = pod.restore(target.url)
    assert restored.returncode == 0, restored.stderr


def test_a_chosen_dump_is_restored_and_not_the_newest(pod: DumpPod, source: Postgres, target: Postgres) -> None:
    source.sql("CREATE TABLE marker (what text); INSERT INTO marker VALUES ('first')")
    assert pod.hook().returncode == 0
    time.sleep(1.1)
    source.sql("UPDATE marker SET what = 'second'")
    assert pod.hook().returncode == 0
    first, second = pod.dumps()
    assert pod.restore(target.url, first).returncode == 0
    assert target.sql("SELECT what FROM marker") == "first"
    assert pod.restore(target.url, second).returncode == 0
    assert target.sql("SELECT what FROM marker") == "second"
    source.sql("DROP TABLE marker")


def test_a_restore_of_a_dump_that_is_not_there_touches_nothing(pod: DumpPod, target: Postgres) -> None:
    names = target.sql("SELECT datname FROM pg_database ORDER BY 1")
    assert pod.restore(target.url, "20200101T000000Z").returncode == 66
    assert target.sql("SELECT datname FROM pg_database ORDER BY 1") == names


def test_a_damaged_dump_is_not_restored_and_the_database_stays(pod: DumpPod, target: Postgres) -> None:
    assert pod.hook().returncode == 0
    assert pod.restore(target.url).returncode == 0
    dump = pod.store / "database" / pod.dumps()[-1] / "database.dump.gz"
    whole = dump.read_bytes()
    dump.write_bytes(whole[: len(whole) // 2])
    assert pod.restore(target.url).returncode != 0
    assert len(set(_sums(target))) == 1
    assert "restoring" not in target.sql("SELECT string_agg(datname, ' ') FROM pg_database")


def test_rows_that_do_not_come_back_fail_the_restore(pod: DumpPod, target: Postgres) -> None:
    assert pod.hook().returncode == 0
    rows = pod.store / "database" / pod.dumps()[-1] / "tables"
    rows.write_text(re.sub(r"^100000\t", "100001\t", rows.read_text(), flags=re.MULTILINE))
    restored = pod.restore(target.url)
    assert restored.returncode != 0
    assert "rows differ in public.pgbench_accounts: 100001 in the dump, 100000 restored" in restored.stderr


def test_only_the_newest_dumps_are_kept(pod: DumpPod) -> None:
    for _ in range(4):
        assert pod.hook({"KEEP": "2"}).returncode == 0
        time.sleep(1.1)
    assert len(pod.dumps()) == 2


@pytest.fixture
def with_older(pod: DumpPod) -> DumpPod:
    """A pod that has made a dump already."""
    assert pod.hook().returncode == 0
    assert len(pod.dumps()) == 1
    return pod


def _failed(pod: DumpPod, done: subprocess.CompletedProcess[str], *codes: int) -> None:
    assert done.returncode in codes, (done.returncode, done.stderr)
    assert len(pod.dumps()) == 1
    assert not (pod.store / "database" / ".part").exists()


def test_a_wrong_password_fails_the_hook_and_the_older_dump_stays(with_older: DumpPod, source: Postgres) -> None:
    wrong = postgres_server.Postgres(source.directory, source.port, "wrong")
    done = with_older.hook({"DATABASE_URL": wrong.url})
    _failed(with_older, done, 2)
    assert "password authentication failed" in done.stderr


def test_a_missing_database_fails_the_hook_and_the_older_dump_stays(with_older: DumpPod, source: Postgres) -> None:
    missing = postgres_server.Postgres(source.directory, source.port, source.password, "nothing")
    _failed(with_older, with_older.hook({"DATABASE_URL": missing.url}), 2)


def test_a_server_that_is_away_fails_the_hook_and_the_older_dump_stays(with_older: DumpPod, source: Postgres) -> None:
    away = postgres_server.Postgres(source.directory, 1, source.password)
    _failed(with_older, with_older.hook({"DATABASE_URL": away.url}), 2)


def test_an_emptied_database_fails_the_hook_and_the_older_dump_stays(with_older: DumpPod, source: Postgres) -> None:
    source.sql("CREATE DATABASE emptied")
    emptied = postgres_server.Postgres(source.directory, source.port, source.password, "emptied")
    done = with_older.hook({"DATABASE_URL": emptied.url})
    _failed(with_older, done, 65)
    assert "no table" in done.stderr


def test_a_full_disk_fails_the_hook_and_the_older_dump_stays(with_older: DumpPod) -> None:
    # The limit on a file's size is to pg_dump what the end of the disk is: a short write.
    limited = ["/bin/sh", "-c", "trap '' XFSZ; ulimit -f 100; exec \"$@\"", "limited", *rendered.hook("database")]
    done = servers.call(limited, with_older.environment)
    _failed(with_older, done, 1)
    assert "could not write" in done.stderr or "File too large" in done.stderr


def test_a_full_volume_fails_the_hook_and_the_older_dump_stays(with_older: DumpPod) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root mounts a small volume")
    kept = with_older.dumps()
    small = with_older.home / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=128k,mode=0777", "tmpfs", small],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"no mount here: {mounted.stderr.strip()}")
    try:
        older = small / "database" / kept[0]
        older.mkdir(parents=True)
        (older / "database.dump.gz").write_text("older")
        subprocess.run(["chown", "-R", str(servers.UNPRIVILEGED), small], check=True)
        done = with_older.hook({"BACKUP_DIR": str(small)})
        assert done.returncode == 1
        assert "No space left on device" in done.stderr
        assert (older / "database.dump.gz").read_text() == "older"
        assert not (small / "database" / ".part").exists()
    finally:
        subprocess.run(["umount", small], check=True)


def test_a_killed_dump_fails_the_hook_and_the_next_one_cleans_up(with_older: DumpPod, source: Postgres) -> None:
    kept = with_older.dumps()
    with _slow_dump(with_older, source) as process:
        _signal_dumper(process.pid, signal.SIGKILL)
        assert process.wait(30) == 70
    assert with_older.dumps() == kept
    assert not (with_older.store / "database" / ".part").exists()


def test_a_killed_shell_leaves_rubbish_that_the_next_dump_removes(with_older: DumpPod, source: Postgres) -> None:
    kept = with_older.dumps()
    with _slow_dump(with_older, source) as process:
        subprocess.run(["pkill", "-KILL", "-g", str(process.pid)], check=True)
        process.wait(30)
    assert (with_older.store / "database" / ".part").exists()
    assert with_older.dumps() == kept
    time.sleep(1.1)
    assert with_older.hook().returncode == 0
    assert len(with_older.dumps()) == 2
    assert not (with_older.store / "database" / ".part").exists()


def test_a_second_dump_at_the_same_time_is_refused(with_older: DumpPod, source: Postgres) -> None:
    with _slow_dump(with_older, source):
        done = with_older.hook()
    assert done.returncode == 75
    assert "another dump is running" in done.stderr


def test_the_time_limit_ends_the_dump_and_everything_it_started(with_older: DumpPod, source: Postgres) -> None:
    with _locked(source):
        done = with_older.hook({"DUMP_TIMEOUT": "2"})
    _failed(with_older, done, 124)
    assert source.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pg_dump'") == "0"


def test_a_dump_that_cannot_be_read_back_is_none(with_older: DumpPod) -> None:
    programs = with_older.home / "programs"
    programs.mkdir()
    real = servers.postgres_directory()
    damaged = programs / "pg_dump"
    # What a disk does that loses a few bytes: the table of contents is whole, the data is not.
    damaged.write_text(
        f'#!/bin/sh\n[ "$1" != --version ] || exec "{real}/pg_dump" "$@"\n'
        f'file=$(mktemp)\n"{real}/pg_dump" "$@" >"$file" || exit\n'
        'head -c "$(($(wc -c <"$file") * 2 / 3))" "$file"\nrm "$file"\n'
    )
    damaged.chmod(0o755)
    done = with_older.hook({"PATH": f"{programs}{os.pathsep}{servers.search_path()}"})
    _failed(with_older, done, 65)
    assert "cannot be read back" in done.stderr


def test_the_password_is_on_no_command_line(with_older: DumpPod, source: Postgres) -> None:
    with _slow_dump(with_older, source) as process:
        listed = subprocess.run(
            ["pgrep", "-a", "-g", str(process.pid)], capture_output=True, text=True, check=True
        ).stdout
    assert "pg_dump" in listed
    assert source.url.partition("admin:")[2].partition("@")[0] not in listed
    assert source.password not in listed


def test_the_list_names_every_dump_with_its_size(with_older: DumpPod) -> None:
    listed = servers.call(scripts.run("list.sh"), with_older.environment)
    kind, name, size = listed.stdout.split()
    assert (kind, [name]) == ("database", with_older.dumps())
    assert int(size) > 10_000


class _slow_dump:  # noqa: N801 - a context manager
    """The hook, held up by a lock on a table until the end of the block."""

    def __init__(self, pod: DumpPod, source: Postgres) -> None:
        self._pod = pod
        self._lock = _locked(source)
        self._source = source

    def __enter__(self) -> subprocess.Popen[bytes]:
        self._lock.__enter__()
        self._process = subprocess.Popen(
            rendered.hook("database"), env=servers.environment(self._pod.environment), **servers.identity(), cwd="/",
            process_group=0, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pg_dump' AND wait_event_type = 'Lock'"
        )
        deadline = time.monotonic() + 30
        while self._source.sql(waiting) != "1":
            assert time.monotonic() < deadline
            time.sleep(0.1)
        return self._process

    def __exit__(self, *_: object) -> None:
        self._lock.__exit__()
        self._process.wait(60)


class _locked:  # noqa: N801 - a context manager
    """A session that holds a table against everybody."""

    def __init__(self, source: Postgres) -> None:
        self._source = source

    def __enter__(self) -> None:
        self._process = subprocess.Popen(
            ["psql", "-X", "-q", "-A", "-t"], env=servers.environment(self._source.variables), **servers.identity(),
            cwd="/", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(b"BEGIN; LOCK TABLE pgbench_accounts; SELECT 'locked';\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == b"locked\n"

    def __exit__(self, *_: object) -> None:
        self._process.communicate(b"ROLLBACK;\n", timeout=30)


def _signal_dumper(group: int, number: signal.Signals) -> None:
    found = subprocess.run(["pgrep", "-g", str(group), "-x", "pg_dump"], capture_output=True, text=True, check=True)
    os.kill(int(found.stdout), number)


def _documented(heading: str) -> list[list[str]]:
    """The shell lines below a heading of the documentation, block by block, as they run inside the pod."""
    text = (ROOT / "docs" / "backup-restore.md").read_text(encoding="utf-8")
    section = text.split(f"### {heading}\n")[1].split("\n### ")[0]
    blocks = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    return [[line for line in block.splitlines() if not line.startswith("kubectl ")] for block in blocks]


@pytest.mark.parametrize("gone", [False, True])
def test_one_table_comes_back_by_the_documented_commands(*, gone: bool, pod: DumpPod, target: Postgres) -> None:
    target.sql("DROP TABLE IF EXISTS orders; CREATE TABLE orders (id int PRIMARY KEY, what text)")
    target.sql("INSERT INTO orders SELECT id, md5(id::text) FROM generate_series(1, 200) AS id")
    target.sql("DROP TABLE IF EXISTS others; CREATE TABLE others AS SELECT 'as it was' AS what")
    pod.url = target.url
    assert pod.hook().returncode == 0
    content = "SELECT count(*), sum(hashtext(what)) FROM orders"
    before = target.sql(content)
    target.sql("UPDATE others SET what = 'newer'")
    target.sql("DROP TABLE orders" if gone else "DELETE FROM orders WHERE id > 10")
    lines, again = _documented("One table")
    if gone:
        place = next(number for number, line in enumerate(lines) if "CREATE TABLE" in line)
        lines[place:place] = again
    done = servers.call(
        ["/bin/sh", "-eu", "-c", "\n".join(lines)], pod.environment | {"PGOPTIONS": "-c client_min_messages=error"}
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert target.sql(content) == before
    assert target.sql("SELECT what FROM others") == "newer"
    assert target.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'rescued'") == "0"
