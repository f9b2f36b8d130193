"""Dumps of a real database that is written to, and the drill that restores them, as its CronJob runs it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pytest

from archesai_infra.cli.status.report import job
from archesai_infra.components.backups import drill, dump
from archesai_infra.components.backups.schedules import CONTAINERS
from testbed.controlplane.api import Object
from testbed.node.stack import LiveStack

pytestmark = pytest.mark.node

ROWS = 3000
LOAD_SECONDS = 20
DRILL_SECONDS = 240.0
DAMAGE = """
cd "$BACKUP_DIR/database"
file=$(ls -d 2*/database.dump.gz | sort | tail -n 1)
dd if=/dev/urandom of="$file" bs=1000 seek=3 count=2 conv=notrunc
"""
FORGET = 'cd "$BACKUP_DIR/database" && rm -r "$(ls -d 2* | sort | tail -n 1)"'


class Drilled(NamedTuple):
    """How a drill ended."""

    good: bool
    log: str


@pytest.fixture
def stack(running: Callable[[str], LiveStack]) -> LiveStack:
    """A stack with backups and the drill."""
    return running("everything")


def in_dump_pod(stack: LiveStack, module: str, *command: str) -> str:
    """What a command prints in a container of the dump pod; it must succeed."""
    done = stack.cluster.exec(stack.namespace, dump.POD, *command, container=CONTAINERS[module])
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def hook(stack: LiveStack, module: str) -> None:
    """Dump a module as Velero does before a backup."""
    in_dump_pod(stack, module, "/bin/sh", "-c", f'sh "$SCRIPTS/dump-{module}.sh"')


def run_drill(stack: LiveStack) -> Drilled:
    """Run the drill as its CronJob would."""
    name = f"drill-{uuid.uuid4().hex[:6]}"
    where = f"--namespace={stack.namespace}"
    made = stack.cluster.kubectl("create", "job", name, f"--from=cronjob/{drill.NAME}", where)
    assert made.returncode == 0, made.stderr
    item: Object = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": stack.namespace},
    }

    def ended() -> list[str]:
        return ["it runs"] if job(stack.cluster.api.read(item) or {})[0] == "warning" else []

    stack.cluster.wait_for("the drill ends", ended, seconds=DRILL_SECONDS)
    log = stack.cluster.kubectl("logs", f"job/{name}", where)
    good = job(stack.cluster.api.read(item) or {})[0] == "ok"
    # Its end of life would come a minute later.
    stack.cluster.api.delete(item)
    return Drilled(good, log.stdout + log.stderr)


def scratch_claims(stack: LiveStack) -> list[str]:
    claims = stack.cluster.api.list("v1", "PersistentVolumeClaim", stack.namespace)
    return [one["metadata"]["name"] for one in claims if one["metadata"]["name"].endswith("-scratch")]


def test_a_dump_that_was_made_under_writes_is_restored_by_the_drill_and_leaves_no_volume(stack: LiveStack) -> None:
    stack.sql(f"create table if not exists drilled as select generate_series(1, {ROWS}) number")
    api = stack.pod("api")["metadata"]["name"]
    writer = ("archesai", "write", f"-seconds={LOAD_SECONDS}", "database")
    with ThreadPoolExecutor(1) as pool:
        load = pool.submit(stack.cluster.exec, stack.namespace, api, *writer)
        hook(stack, "database")
        hook(stack, "redis")
        assert not load.done(), "the dump was made after the writes"
        written = load.result()
    assert written.returncode == 0, written.stderr
    drilled = run_drill(stack)
    assert drilled.good, drilled.log
    assert "rows and indexes are whole" in drilled.log
    stack.cluster.wait_for("the drill's volume is gone", lambda: scratch_claims(stack))


def test_the_drill_fails_on_a_dump_whose_bytes_have_changed_and_leaves_no_volume(stack: LiveStack) -> None:
    stack.sql(f"create table if not exists drilled as select generate_series(1, {ROWS}) number")
    hook(stack, "database")
    in_dump_pod(stack, "database", "/bin/sh", "-c", DAMAGE)
    try:
        drilled = run_drill(stack)
    finally:
        in_dump_pod(stack, "database", "/bin/sh", "-c", FORGET)
    # What pg_restore says depends on the bytes: an absurd length ends it with `out of memory`.
    assert not drilled.good, drilled.log
    assert "rows and indexes are whole" not in drilled.log
    stack.cluster.wait_for("the drill's volume is gone", lambda: scratch_claims(stack))
