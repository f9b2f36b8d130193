"""Servers that die, run out of memory or out of space under a load of writes: nothing acknowledged is lost.

A process that is killed leaves its writes to the kernel, which lives on: what only a loss of power loses is not shown.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable

import pytest

from testbed.node.rig import Nodes
from testbed.node.small_volumes import SmallVolumes
from testbed.node.stack import NodeStack
from testbed.node.writes import SETTLE_SECONDS, Store, Writes, during

pytestmark = pytest.mark.node

Report = Callable[[str, object], None]

SECONDS = 100.0
"""Bound on an outage, below the two minutes that pgx waits for an answer; docs/production.md has measured ones."""
LARGER_MEBIBYTES = 600
CLAIMS = {"database": "archesai-postgres-data", "redis": "archesai-redis-data", "storage": "archesai-storage-data"}
FULL = {
    "database": "No space left on device",
    "redis": "MISCONF Errors writing to the AOF file: No space left on device",
    "storage": "minimum free drive threshold",
}
"""What a client is told first when the server's volume is full."""

QUERY = "select cardinality(array_agg(repeat('x', 1000000) || i)) from generate_series(1, 3000) i"
VALUE = """
export REDISCLI_AUTH="$(cat /run/secrets/archesai/REDIS_PASSWORD)"
redis-cli config set maxmemory 0
redis-cli setrange large 400000000 x
"""
EATERS = """
for number in 1 2 3 4 5 6; do head -c 90000000 /dev/zero | tail -n 1 | sleep 60 & done
wait
"""
"""Without a line's end in it, `tail` keeps all that it is given, and no one of them is as large as the server."""


def check(writes: Writes, report: Report) -> None:
    """Writes were interrupted, came back in time, and are all there."""
    report("outage", writes.outage)
    assert writes.acknowledged > 0
    assert writes.failed > 0 or writes.outage > 1, "nothing happened to the writes"
    assert writes.outage < SECONDS
    assert writes.missing == 0, f"{writes.missing} of {writes.acknowledged} acknowledged writes are missing"


def in_pod(stack: NodeStack, store: Store, *command: str) -> bool:
    """Whether a command in a server's pod succeeds."""
    return stack.cluster.exec(stack.namespace, stack.pod(store)["metadata"]["name"], *command).returncode == 0


def beside(stack: NodeStack, store: Store, *command: str) -> subprocess.Popen[str]:
    """Start a command in a server's pod."""
    pod = stack.pod(store)["metadata"]["name"]
    return stack.cluster.beside("exec", f"--namespace={stack.namespace}", pod, "--", *command)


def sql(stack: NodeStack, statement: str) -> bool:
    return in_pod(
        stack, "database", "psql", "-h", "/var/run/postgresql", "-U", "admin", "-d", "archesai", "-c", statement
    )


@pytest.mark.parametrize("store", ["database", "redis", "storage"])
def test_a_killed_server_comes_back_with_every_acknowledged_write(
    written: NodeStack, nodes: Nodes, store: Store, record_property: Report
) -> None:
    check(during(written, store, lambda: nodes.kill(written.pod(store))), record_property)


@pytest.mark.parametrize("store", ["database", "redis", "storage"])
def test_a_deleted_pod_comes_back_with_every_acknowledged_write(
    written: NodeStack, store: Store, record_property: Report
) -> None:
    def delete() -> None:
        written.cluster.api.delete(written.pod(store))

    check(during(written, store, delete), record_property)


@pytest.mark.parametrize("store", ["database", "redis", "storage"])
def test_a_server_that_the_kernel_kills_at_its_memory_limit_comes_back_with_every_acknowledged_write(
    written: NodeStack, store: Store, record_property: Report
) -> None:
    def exceed() -> None:
        if store == "database":
            assert not sql(written, QUERY)
        elif store == "redis":
            assert not in_pod(written, store, "sh", "-c", VALUE)
        else:
            # MinIO bounds its own memory: others exceed the limit, and the kernel takes the largest process.
            eaters.append(beside(written, store, "sh", "-c", EATERS))

    eaters: list[subprocess.Popen[str]] = []
    try:
        check(during(written, store, exceed), record_property)
    finally:
        for one in eaters:
            # Not every kubelet ends the streams of a container that died.
            one.kill()
            one.communicate()
    if store == "database":
        log = written.cluster.logs(written.namespace, written.pod(store)["metadata"]["name"])
        assert "was terminated by signal 9" in log
    else:
        (status,) = written.pod(store)["status"]["containerStatuses"]
        assert status["lastState"]["terminated"]["reason"] == "OOMKilled"


@pytest.mark.parametrize("store", ["database", "redis", "storage"])
def test_a_server_with_a_full_volume_refuses_writes_and_goes_on_by_itself_when_the_volume_grows(
    written: NodeStack, volumes: SmallVolumes, store: Store, record_property: Report
) -> None:
    grown: list[float] = []

    def fill() -> None:
        volumes.fill(CLAIMS[store])
        if store == "database":
            wait_for_panic(written)
        else:
            time.sleep(3)
        volumes.grow(CLAIMS[store], LARGER_MEBIBYTES)
        grown.append(time.monotonic())

    try:
        writes = during(written, store, fill)
        record_property("seconds_after_growth", round(time.monotonic() - grown[0] - SETTLE_SECONDS, 1))
        check(writes, record_property)
        assert FULL[store] in writes.error
    finally:
        volumes.clear(CLAIMS[store])
    written.wait_ready()


def wait_for_panic(stack: NodeStack) -> None:
    """Write log until there is no space for another file of it: the server ends, and cannot recover."""
    before = stack.restarts()

    def probe() -> list[str]:
        sql(stack, "select pg_switch_wal()")
        sql(stack, "create table if not exists filler (number int); insert into filler values (1)")
        return [] if stack.restarts() != before else ["the server still runs"]

    stack.cluster.wait_for("PostgreSQL ends", probe)
