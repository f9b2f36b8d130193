"""Restores of dumps that were made while a real database was written to, compared by content, in a stack's own pods."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pytest

from archesai_infra.components.backups import dump
from archesai_infra.components.backups.schedules import CONTAINERS
from testbed.node.stack import LiveStack

pytestmark = [pytest.mark.node, pytest.mark.timeout(1800)]

COUNT = int(os.environ.get("ARCHESAI_RESTORES", "1"))
"""How many dumps are made and restored."""
RATE = 400
"""Transactions a second that are asked for; a slow machine reaches fewer."""
LOAD_SECONDS = 12
SECONDS = 600.0
LOGIN = '. "$SCRIPTS/connection.sh"; connect "$DATABASE_URL"; administer; '
# Each transaction adds one number to three tables and to the history.
SUMS = """
select (select sum(abalance) from pgbench_accounts), (select sum(tbalance) from pgbench_tellers),
  (select sum(bbalance) from pgbench_branches), (select sum(delta) from pgbench_history)
"""
HISTORY = "select count(*) from pgbench_history"


class Round(NamedTuple):
    """A dump under load, and its restore."""

    rate: float
    """Transactions a second that the load reached."""
    dump_seconds: float
    restore_seconds: float
    sums: list[str]
    rows: tuple[int, int, int]
    """Of the history: when the dump began, after the restore, when the load had ended."""


@pytest.fixture
def stack(running: Callable[[str], LiveStack]) -> Generator[LiveStack]:
    """A stack with a dump pod and pgbench's tables."""
    found = running("everything")
    in_dump_pod(found, 'pgbench -i -q -s 1 "$url"')
    yield found
    found.sql("drop table pgbench_accounts, pgbench_branches, pgbench_history, pgbench_tellers")
    for name in found.sql("select datname from pg_database where datname like 'archesai_before_%'").splitlines():
        found.sql(f'drop database "{name}" with (force)')


def in_dump_pod(stack: LiveStack, script: str) -> str:
    """What a script prints in the dump pod, as the server's administrator; it must succeed."""
    words = ("/bin/sh", "-c", LOGIN + script)
    done = stack.cluster.exec(stack.namespace, dump.POD, *words, container=CONTAINERS["database"], seconds=SECONDS)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def one(stack: LiveStack) -> Round:
    """Dump under load, and restore over what the load has left."""
    with ThreadPoolExecutor(1) as pool:
        before = int(stack.sql(HISTORY))
        load = pool.submit(in_dump_pod, stack, f'pgbench -n -c 4 -R {RATE} -T {LOAD_SECONDS} "$url" 2>&1')
        stack.cluster.wait_for("transactions", lambda: [] if int(stack.sql(HISTORY)) > before else ["none"])
        first = int(stack.sql(HISTORY))
        began = time.monotonic()
        in_dump_pod(stack, 'sh "$SCRIPTS/dump-database.sh"')
        dumped = time.monotonic() - began
        assert not load.done(), "the dump was made after the writes"
        said = load.result()
    last = int(stack.sql(HISTORY))
    began = time.monotonic()
    in_dump_pod(stack, 'sh "$SCRIPTS/restore-database.sh"')
    restored = time.monotonic() - began
    (rate,) = re.findall(r"^tps = ([0-9.]+)", said, re.MULTILINE)
    return Round(float(rate), dumped, restored, stack.sql(SUMS).split("|"), (first, int(stack.sql(HISTORY)), last))


def test_every_dump_that_is_made_under_load_comes_back_as_one_moment_of_the_database(
    stack: LiveStack, record_property: Callable[[str, object], None]
) -> None:
    rounds = [one(stack) for _ in range(COUNT)]
    record_property("rounds", [tuple(found) for found in rounds])
    for found in rounds:
        assert len(set(found.sums)) == 1, found
        assert found.rows[0] <= found.rows[1] <= found.rows[2], found
        assert found.rate > 0
