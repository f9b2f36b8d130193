"""The drill: the rendered CronJob's command on dumps of a real PostgreSQL."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from testbed.backups import postgres_server, rendered, servers


class Drill:
    """The drill's container, with a dump on its volume."""

    def __init__(self, home: Path, url: str) -> None:
        self.home = home
        self.store = home / "volume"
        self.scratch = home / "scratch"
        for path in (self.store, self.scratch):
            path.mkdir()
            if os.geteuid() == 0:
                shutil.chown(path, servers.UNPRIVILEGED)
        scripts = rendered.write_scripts("dump-scripts", home)
        container = rendered.container("StatefulSet", "archesai-dump", "postgres")
        own = {"SCRIPTS": str(scripts), "BACKUP_DIR": str(self.store), "DATABASE_URL": url}
        own["ADMINISTRATOR_PASSWORD"] = postgres_server.Postgres.password
        made = servers.call(rendered.hook("database"), rendered.plain_environment(container) | own)
        assert made.returncode == 0, made.stderr
        self.scripts = rendered.write_scripts("drill-scripts", home)

    @property
    def dump(self) -> Path:
        """The one dump."""
        return next(path for path in (self.store / "database").iterdir() if path.name[0].isdigit())

    def run(self, extra: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run the CronJob's command."""
        container = rendered.container("CronJob", "archesai-backups-drill", "drill")
        own = {"SCRIPTS": str(self.scripts), "BACKUP_DIR": str(self.store), "SCRATCH": str(self.scratch)}
        return servers.call(container["command"], rendered.plain_environment(container) | own | dict(extra or {}))


@pytest.fixture(scope="module")
def source() -> Iterator[postgres_server.Postgres]:
    with postgres_server.postgres() as server:
        server.sql("CREATE TABLE orders AS SELECT id, md5(id::text) AS what FROM generate_series(1, 3000) AS id")
        server.sql('CREATE INDEX ON orders (what); CREATE TABLE "Odd name" (a int); CREATE ROLE reader')
        server.sql("GRANT SELECT ON orders TO reader")
        yield server


@pytest.fixture
def drill(source: postgres_server.Postgres) -> Iterator[Drill]:
    servers.needs("pg_amcheck", "initdb")
    with servers.place() as home:
        yield Drill(home, source.url)


def test_a_good_dump_passes_and_leaves_nothing_behind(drill: Drill) -> None:
    done = drill.run()
    assert done.returncode == 0, done.stderr
    assert re.search(r"rows and indexes are whole, the dump is \d+ s old", done.stdout)
    assert not (drill.scratch / "data").exists()


def test_an_old_dump_fails_it(drill: Drill) -> None:
    drill.dump.rename(drill.dump.with_name("20240101T000000Z"))
    done = drill.run()
    assert done.returncode == 65
    assert "the newest dump, 20240101T000000Z, is" in done.stderr


def test_rows_that_do_not_come_back_fail_it(drill: Drill) -> None:
    rows = drill.dump / "tables"
    rows.write_text(rows.read_text().replace("3000\tpublic\torders", "3001\tpublic\torders"))
    done = drill.run()
    assert done.returncode != 0
    assert "rows differ in public.orders: 3001 in the dump, 3000 restored" in done.stderr


def test_a_damaged_dump_fails_it(drill: Drill) -> None:
    file = drill.dump / "database.dump.gz"
    whole = bytearray(file.read_bytes())
    middle = len(whole) // 2
    whole[middle : middle + 4] = bytes(byte ^ 0xFF for byte in whole[middle : middle + 4])
    file.write_bytes(bytes(whole))
    assert drill.run().returncode != 0


def test_no_dump_at_all_fails_it(drill: Drill) -> None:
    shutil.rmtree(drill.dump)
    done = drill.run()
    assert done.returncode == 66
    assert "there is none" in done.stderr
