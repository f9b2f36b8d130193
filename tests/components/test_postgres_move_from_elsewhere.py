"""Moving from a server elsewhere to a cluster, on real servers: by one role, no superuser, with writers running."""

from __future__ import annotations

import logging
import os
from collections.abc import Generator
from pathlib import Path

import pytest

from testbed.backups import servers
from testbed.replication.fixtures import programs
from testbed.replication.instances import DATABASE
from testbed.replication.moving import LEFT, OWNER, PASSWORD, Move, kill, moving_from_elsewhere
from testbed.replication.writers import CREATE, wait_for_writes, writing

__all__ = ["programs"]

pytestmark = pytest.mark.long
_MORE = pytest.mark.skipif("ARCHESAI_MOVES" not in os.environ, reason="ARCHESAI_MOVES is not set")
_LOG = logging.getLogger(__name__)
ROWS = int(os.environ.get("ARCHESAI_MOVED_VECTORS", "500"))
"""How many rows the database holds; `ARCHESAI_MOVED_VECTORS=60000` gives the figures of the documentation."""
FILL = """SET ROLE arches_app;
CREATE TABLE documents (id serial PRIMARY KEY, title text NOT NULL UNIQUE, numbers real[]);
INSERT INTO documents (title, numbers)
  SELECT 'title ' || n, (SELECT array_agg(random()) FROM generate_series(1, 64) AS k WHERE k <> -n)
  FROM generate_series(1, :rows) AS n;
"""
CONTENT = """SELECT count(*), md5(string_agg(title || numbers::text, '' ORDER BY id)) FROM documents
UNION ALL SELECT last_value, '' FROM documents_id_seq"""
WRITE = "SET ROLE arches_app; INSERT INTO documents (title) VALUES ('written later')"


@pytest.fixture
def move(programs: Path) -> Generator[Move]:
    with moving_from_elsewhere(programs) as built:
        _fill(built)
        yield built


def _fill(move: Move) -> None:
    move.old.sql(f"\\set rows {ROWS}\n{FILL}{CREATE}")


def _refused(move: Move, *words: str) -> str:
    with move.running(*words) as process:
        status, said = move.result(process)
    assert status == 65, said
    assert move.old.sql(LEFT) == "0"
    return said


def _moved(move: Move, programs: Path) -> None:
    with writing(move.service.port, programs, user=OWNER, password=PASSWORD) as writers:
        wait_for_writes(writers)
        with move.running("check") as process:
            assert move.result(process)[0] == 0, move.said()
        with move.running() as process:
            move.until_ready(process)
            move.service.lead_to(move.new)
            assert move.result(process)[0] == 0, move.said()
        wait_for_writes(writers)
    assert not writers.missing(move.new)
    assert move.new.sql(CONTENT) == move.old.sql(CONTENT)
    assert PASSWORD not in move.said()
    _LOG.info("%d acknowledged, longest gap %.1f s:\n%s", len(writers.acknowledged), writers.longest_gap, move.said())


def test_no_acknowledged_write_is_missing_and_the_server_elsewhere_only_reads_until_the_way_back(
    move: Move, programs: Path
) -> None:
    _moved(move, programs)
    assert (move.old.sql(LEFT), move.new.sql(LEFT)) == ("1", "0")
    move.new.sql(WRITE)
    with pytest.raises(AssertionError, match="read-only transaction"):
        move.old.sql(WRITE)
    with move.running("back") as process:
        assert move.result(process)[0] == 0, move.said()
    move.old.sql(WRITE)
    assert move.old.sql(LEFT) == "0"


@_MORE
def test_a_server_that_answers_only_by_tls_is_moved_with_its_certificate_checked() -> None:
    servers.needs("initdb", "openssl")
    programs = servers.postgres_directory()
    assert programs is not None
    with moving_from_elsewhere(programs, tls=True) as move:
        _fill(move)
        assert move.elsewhere is not None
        with move.running(PGSSLROOTCERT=str(move.home / "nothing.crt")) as process:
            status, said = move.result(process)
        assert (status != 0, "certificate" in said) == (True, True), said
        with move.running() as process:
            move.until_ready(process)
            move.service.lead_to(move.new)
            assert move.result(process)[0] == 0, move.said()
        assert move.new.sql(CONTENT) == move.old.sql(CONTENT)


def test_a_server_without_logical_replication_is_refused_with_the_cure_of_each_provider(programs: Path) -> None:
    with moving_from_elsewhere(programs, wal_level="replica") as move:
        move.old.sql(f"ALTER ROLE {OWNER} NOREPLICATION; CREATE TABLE foreign_table (id int PRIMARY KEY)")
        said = _refused(move, "check")
    assert "wal_level is replica" in said
    assert "rds.logical_replication" in said
    assert "cloudsql.logical_decoding" in said
    assert f"ALTER ROLE {OWNER} REPLICATION" in said
    assert "public.foreign_table" in said
    assert "by a dump" in said


def test_a_role_without_the_right_to_replicate_is_refused_and_one_that_a_provider_gave_it_is_not(move: Move) -> None:
    move.old.sql(f"ALTER ROLE {OWNER} NOREPLICATION")
    assert f"ALTER ROLE {OWNER} REPLICATION" in _refused(move)
    move.old.sql(f"CREATE ROLE rds_replication; GRANT rds_replication TO {OWNER}")
    with move.running("check") as process:
        assert move.result(process)[0] == 0, move.said()


def test_a_newer_server_than_the_cluster_is_refused(move: Move) -> None:
    with move.running("check", CLUSTER_MAJOR="15") as process:
        status, said = move.result(process)
    assert (status, "database.cluster.image.tag" in said) == (65, True), said


def test_sessions_that_the_role_may_not_end_are_refused_and_named(move: Move, programs: Path) -> None:
    move.old.sql("CREATE ROLE reporting LOGIN")
    session = f"host=127.0.0.1 port={move.old.port} user=reporting dbname={DATABASE}"
    path = {"PATH": f"{programs}{os.pathsep}{servers.search_path()}"}
    with servers.running(["psql", "-X", "-d", session, "-c", "SELECT pg_sleep(600)"], path, move.home / "session"):
        there = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'reporting'"
        servers.until(lambda: move.old.sql(there) == "1", "a session of another role")
        assert "end the clients of reporting" in _refused(move)
        move.old.sql(f"GRANT reporting TO {OWNER}")
        with move.running("check") as process:
            assert move.result(process)[0] == 0, move.said()


@_MORE
def test_a_move_that_is_killed_when_it_is_complete_goes_on_or_back(move: Move) -> None:
    with move.running() as process:
        move.until_said(process, "building indexes")
        kill(process)
    move.old.sql("SET ROLE arches_app; UPDATE documents SET title = title || ' again' WHERE id = 1")
    with move.running() as process:
        move.until_ready(process)
        kill(process)
    move.ready.unlink()
    with move.running(SWITCH_SECONDS="1") as process:
        status, said = move.result(process)
    assert (status, "the server elsewhere goes on" in said) == (75, True), said
    move.old.sql(WRITE)
