"""Moving from the single pod to a cluster, on real servers with writers running."""

from __future__ import annotations

import logging
import os
from collections.abc import Generator
from pathlib import Path

import pytest

from testbed.replication.fixtures import programs
from testbed.replication.moving import LEFT, OWNER, PASSWORD, Move, kill, moving
from testbed.replication.writers import CREATE, wait_for_writes, writing

__all__ = ["programs"]

pytestmark = pytest.mark.long
_LOG = logging.getLogger(__name__)
VECTORS = int(os.environ.get("ARCHESAI_MOVED_VECTORS", "500"))
"""How many rows the database holds; `ARCHESAI_MOVED_VECTORS=60000` gives the figures of the documentation."""
DIMENSIONS = int(os.environ.get("ARCHESAI_MOVED_DIMENSIONS", "64"))
"""Of each vector; 384 is the size of common models of embeddings."""
FILL = """SET ROLE arches_app;
CREATE TABLE documents (id serial PRIMARY KEY, title text NOT NULL UNIQUE, embedding vector(:dimensions));
INSERT INTO documents (title, embedding)
  SELECT 'title ' || n, (SELECT array_agg(random()) FROM generate_series(1, :dimensions) AS k WHERE k <> -n)::vector
  FROM generate_series(1, :vectors) AS n;
CREATE INDEX near ON documents USING hnsw (embedding vector_l2_ops);
CREATE SCHEMA "Odd schema";
CREATE TABLE "Odd schema".pages (document int REFERENCES documents ON DELETE CASCADE, number int, text text,
  PRIMARY KEY (document, number)) PARTITION BY RANGE (number);
CREATE TABLE "Odd schema".first PARTITION OF "Odd schema".pages FOR VALUES FROM (0) TO (1000);
INSERT INTO "Odd schema".pages SELECT id, id % 10, title FROM documents;
CREATE VIEW titles AS SELECT title FROM documents;
"""
CONTENT = """SELECT count(*), md5(string_agg(title || embedding::text, '' ORDER BY id)) FROM documents
UNION ALL SELECT count(*), '' FROM "Odd schema".pages
UNION ALL SELECT last_value, '' FROM documents_id_seq
UNION ALL SELECT count(*), '' FROM pg_indexes WHERE schemaname IN ('public', 'Odd schema')"""
WRITE = "INSERT INTO documents (title) VALUES ('written later')"


@pytest.fixture
def move(programs: Path) -> Generator[Move]:
    with moving(programs) as built:
        built.old.sql(f"SET ROLE {OWNER};\n{CREATE}")
        built.old.sql(f"\\set vectors {VECTORS}\n\\set dimensions {DIMENSIONS}\n{FILL}")
        yield built


def test_no_acknowledged_write_is_missing_after_a_move_under_writers(move: Move, programs: Path) -> None:
    with writing(move.service.port, programs, password=PASSWORD) as writers:
        wait_for_writes(writers)
        with move.running() as process:
            move.until_ready(process)
            move.service.lead_to(move.new)
            assert move.result(process)[0] == 0, move.said()
        wait_for_writes(writers)
    assert not writers.missing(move.new)
    assert move.new.sql(CONTENT) == move.old.sql(CONTENT)
    owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname !~ '^(pg_|information)'"
    assert move.new.sql(owners) == OWNER
    assert (move.old.sql(LEFT), move.new.sql(LEFT)) == ("1", "0")
    with pytest.raises(AssertionError, match="read-only transaction"):
        move.old.sql(WRITE)
    _LOG.info("%d acknowledged, longest gap %.1f s:\n%s", len(writers.acknowledged), writers.longest_gap, move.said())
    with move.running("back") as process:
        assert move.result(process)[0] == 0, move.said()
    move.old.sql(WRITE)


def test_a_move_that_is_killed_goes_on_where_it_was_and_ends_with_everything(move: Move) -> None:
    for moment in ("copied", "building indexes"):
        with move.running() as process:
            move.until_said(process, moment)
            kill(process)
        # The single pod is in use, and what is written there comes along.
        move.old.sql("INSERT INTO documents (title) VALUES (clock_timestamp())")
        move.old.sql("UPDATE documents SET title = title || ' again' WHERE id = 1")
    with move.running() as process:
        move.until_ready(process)
        kill(process)
    move.ready.unlink()
    with pytest.raises(AssertionError, match="read-only transaction"):
        move.old.sql(WRITE)
    with move.running() as process:
        move.until_ready(process)
        move.service.lead_to(move.new)
        assert move.result(process)[0] == 0, move.said()
    assert move.new.sql(CONTENT) == move.old.sql(CONTENT)
    assert (move.old.sql(LEFT), move.new.sql(LEFT)) == ("1", "0")


def test_without_a_switch_the_single_pod_goes_on_and_a_second_try_begins_again(move: Move) -> None:
    with move.running(SWITCH_SECONDS="1") as process:
        status, said = move.result(process)
    assert (status, "the single pod goes on" in said) == (75, True), said
    move.ready.unlink()
    move.old.sql(WRITE)
    with move.running() as process:
        move.until_ready(process)
        process.terminate()
        assert move.result(process)[0] == 143
    move.old.sql("DELETE FROM documents WHERE title = 'written later'")


def test_what_replication_does_not_carry_over_is_refused_before_anything_changes(move: Move) -> None:
    move.old.sql("CREATE TABLE odd (n int)")
    with move.running() as process:
        status, said = move.result(process)
    assert (status, "public.odd" in said) == (65, True), said
    move.old.sql("ALTER TABLE odd REPLICA IDENTITY FULL; SELECT lo_from_bytea(0, 'large')")
    with move.running() as process:
        status, said = move.result(process)
    assert (status, "large objects" in said) == (65, True), said
    move.old.sql("SELECT lo_unlink(oid) FROM pg_largeobject_metadata")
    move.new.sql("CREATE TABLE used (n int)")
    with move.running() as process:
        status, said = move.result(process)
    assert (status, "has been in use" in said) == (65, True), said
    assert (move.old.sql(LEFT), move.new.sql(LEFT)) == ("0", "0")
