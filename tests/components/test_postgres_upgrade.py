"""Moving to another major version: a server of 18 gets what one of 16 holds, while writers wait."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.backups.upgrade import SECONDS, Upgrade, shutdown, upgradable
from testbed.replication.programs import postgres_programs

pytestmark = pytest.mark.long
FILL = """
CREATE TABLE documents (id serial PRIMARY KEY, title text, rank double precision, at timestamptz, data jsonb);
INSERT INTO documents (title, rank, at, data)
  SELECT 'title ' || n, 1.0 / n, '2026-01-01'::timestamptz + n * '1 h'::interval, jsonb_build_object('n', n)
  FROM generate_series(1, 2000) AS n;
CREATE INDEX ON documents (title);
CREATE SCHEMA "Odd schema";
CREATE TABLE "Odd schema"."found" (found int) PARTITION BY RANGE (found);
CREATE TABLE "Odd schema".first PARTITION OF "Odd schema"."found" FOR VALUES FROM (0) TO (1000);
INSERT INTO "Odd schema"."found" SELECT generate_series(1, 500);
CREATE TABLE nothing ();
SELECT lo_from_bytea(4711, 'large');
"""
WRITE = "INSERT INTO documents (title) VALUES ('written later')"
CONTENT = """SELECT count(*), sum(rank), md5(string_agg(title || at || data, '' ORDER BY id)) FROM documents
UNION ALL SELECT count(*), 0, '' FROM "Odd schema".found
UNION ALL SELECT last_value, 0, encode(lo_get(4711), 'escape') FROM documents_id_seq"""


@pytest.fixture(scope="module")
def directories() -> Iterator[tuple[Path, Path]]:
    with postgres_programs(16) as older, postgres_programs(18) as newer:
        yield older, newer


@pytest.fixture
def upgrade(directories: tuple[Path, Path]) -> Iterator[Upgrade]:
    with upgradable(*directories) as built:
        built.old.sql(f"SET ROLE arches_app; {FILL}")
        yield built


def test_the_copy_of_another_version_is_the_same_and_takes_its_place_when_the_old_server_ends(upgrade: Upgrade) -> None:
    before = upgrade.old.sql(CONTENT)
    owner = upgrade.old.sql("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'archesai'")
    with upgrade.copied() as process:
        assert not (upgrade.data / "PG_VERSION").exists()
        shutdown(upgrade.old)
        assert process.wait(SECONDS) == 0, upgrade.log.read_text()
    assert (upgrade.data / "PG_VERSION").read_text().strip() == "18"
    assert not (upgrade.data.parent / "dump").exists()
    with upgrade.new_server() as new:
        assert new.sql(CONTENT) == before
        assert new.sql("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'archesai'") == owner
        assert new.sql("SELECT rolsuper FROM pg_roles WHERE rolname = 'arches_app'") == "f"
        assert (
            new.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tableowner <> 'arches_app'") == "0"
        )


def test_writers_wait_for_a_copy_and_go_on_where_no_switch_comes_and_a_second_try_starts_over(
    upgrade: Upgrade,
) -> None:
    with upgrade.copied(SWITCH_SECONDS="3") as process:
        assert upgrade.old.sql("SELECT count(*) FROM documents") == "2000"
        with pytest.raises(AssertionError, match="lock timeout"):
            upgrade.old.sql(f"SET lock_timeout = '1s'; {WRITE}")
        assert process.wait(SECONDS) == 75
    assert "the copy is of no use" in upgrade.log.read_text()
    upgrade.old.sql(WRITE)
    # No server starts there.
    assert [path.name for path in upgrade.data.iterdir()] == ["NOT-COMPLETE"]
    upgrade.ready.unlink()
    with upgrade.copied() as process:
        shutdown(upgrade.old)
        assert process.wait(SECONDS) == 0, upgrade.log.read_text()
    with upgrade.new_server() as new:
        assert new.sql("SELECT count(*) FROM documents") == "2001"


def test_a_copy_that_differs_does_not_come_to_the_switch(upgrade: Upgrade) -> None:
    with upgrade.running() as process:
        # The one thing that no lock of a table holds back.
        while process.poll() is None and not upgrade.ready.exists():
            upgrade.old.sql("SELECT nextval('documents_id_seq')")
            time.sleep(0.2)
        assert process.wait(SECONDS) == 65, upgrade.log.read_text()
    assert "the copy differs from the database" in upgrade.log.read_text()
    upgrade.old.sql(WRITE)
