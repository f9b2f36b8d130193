"""Servers that are killed, pods that are deleted: how long until they are back, and what is lost."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from testbed.controlplane.api import Object
from testbed.node import posture
from testbed.node.rig import Nodes
from testbed.node.stack import NodeStack

pytestmark = pytest.mark.node

Record = Callable[[str, object], None]

RECOVERY_SECONDS = 180.0
"""Bound on a busy machine; what a quiet one needs is a few seconds."""
ROW = """
create table if not exists kept (id serial primary key);
insert into kept default values;
select count(*) from kept
"""


@pytest.mark.parametrize("component", ["database", "redis", "storage", "api", "platform"])
def test_a_server_that_is_killed_is_back(
    fragile: NodeStack, nodes: Nodes, component: str, record_property: Record
) -> None:
    pod = fragile.pod(component)
    before = _restarts(pod)
    start = time.monotonic()
    nodes.kill(pod)

    def missing() -> list[str]:
        now = fragile.cluster.api.read(pod) or {}
        return [] if _restarts(now) > before and _is_ready(now) else [f"{component} is not back"]

    fragile.cluster.wait_for(f"{component} runs again", missing, seconds=RECOVERY_SECONDS)
    record_property("recovery_seconds", round(time.monotonic() - start, 1))


@pytest.mark.parametrize("component", ["database", "redis", "storage", "api", "platform"])
def test_a_pod_that_is_deleted_is_replaced(fragile: NodeStack, component: str, record_property: Record) -> None:
    pod = fragile.pod(component)
    start = time.monotonic()
    fragile.cluster.api.delete(pod)

    def missing() -> list[str]:
        pods = [one for one in fragile.pods(component) if one["metadata"]["uid"] != pod["metadata"]["uid"]]
        return [] if pods and all(_is_ready(one) for one in pods) else [f"{component} is not replaced"]

    fragile.cluster.wait_for(f"{component} has another pod", missing, seconds=RECOVERY_SECONDS)
    record_property("recovery_seconds", round(time.monotonic() - start, 1))


def test_rows_that_were_committed_outlive_a_kill_of_the_server(fragile: NodeStack, nodes: Nodes) -> None:
    rows = int(fragile.sql(ROW))
    pod = fragile.pod("database")
    nodes.kill(pod)
    fragile.cluster.wait_for(
        "the database runs again",
        lambda: [] if _restarts(fragile.cluster.api.read(pod) or {}) > _restarts(pod) else ["not yet"],
    )
    fragile.wait_ready()
    assert int(fragile.sql("select count(*) from kept")) == rows


def test_what_redis_took_a_second_ago_outlives_a_kill_of_the_server(fragile: NodeStack, nodes: Nodes) -> None:
    assert _redis(fragile, "set", "kept", "yes") == "OK"
    # `appendfsync everysec` promises no more.
    time.sleep(1.5)
    pod = fragile.pod("redis")
    nodes.kill(pod)
    fragile.cluster.wait_for(
        "redis runs again",
        lambda: [] if _restarts(fragile.cluster.api.read(pod) or {}) > _restarts(pod) else ["not yet"],
    )
    fragile.wait_ready()
    assert _redis(fragile, "get", "kept") == "yes"


def test_a_process_above_its_container_s_memory_is_killed_and_the_api_answers_on(fragile: NodeStack) -> None:
    assert list(posture.unbounded(fragile, "api")) == []
    fragile.wait_ready()
    assert fragile.exec("platform", "archesai", "dial", "archesai-api:3001").strip().endswith('"open"}')


def _redis(stack: NodeStack, *words: str) -> str:
    command = (
        f'REDISCLI_AUTH="$(cat /run/secrets/archesai/REDIS_PASSWORD)" redis-cli --no-auth-warning {" ".join(words)}'
    )
    return stack.exec("redis", "sh", "-c", command).strip()


def _restarts(pod: Object) -> int:
    return sum(one["restartCount"] for one in pod.get("status", {}).get("containerStatuses", []))


def _is_ready(pod: Object) -> bool:
    conditions = {one["type"]: one["status"] for one in pod.get("status", {}).get("conditions", [])}
    return conditions.get("Ready") == "True"
