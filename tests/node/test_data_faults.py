"""Servers that die under a load of writes: nothing acknowledged is lost, and how long it takes.

A process that is killed leaves its writes to the kernel, which lives on: what only a loss of power loses is not shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from testbed.cluster.scenarios import alone
from testbed.node.rig import Nodes
from testbed.node.stack import NodeStack
from testbed.node.writes import Store, Writes, during

pytestmark = pytest.mark.node

SECONDS = 100.0
"""Bound on an outage, below the two minutes that pgx waits for an answer; docs/production.md has measured ones."""


@pytest.fixture(scope="module")
def stack(nodes: Nodes) -> Iterator[NodeStack]:
    """The api and all three servers, one pod each."""
    on = {"enabled": True}
    config = {
        "environment": "development",
        "api": {"image": {"tag": "v1.0.0"}},
        "platform": {"enabled": False},
        "redis": on,
        "storage": on,
    }
    started = NodeStack(nodes, "dev", alone(config, "node-faults")).apply().wait_ready()
    yield started
    started.delete()


def check(writes: Writes, report: Callable[[str, object], None]) -> None:
    """Writes were interrupted, came back in time, and are all there."""
    report("outage", writes.outage)
    assert writes.acknowledged > 0
    assert writes.failed > 0 or writes.outage > 1, "nothing happened to the writes"
    assert writes.outage < SECONDS
    assert writes.missing == 0, f"{writes.missing} of {writes.acknowledged} acknowledged writes are missing"


@pytest.mark.parametrize("store", ["database", "redis", "storage"])
def test_a_killed_server_comes_back_with_every_acknowledged_write(
    stack: NodeStack, nodes: Nodes, store: Store, record_property: Callable[[str, object], None]
) -> None:
    check(during(stack, store, lambda: nodes.kill(stack.pod(store))), record_property)


@pytest.mark.parametrize("store", ["database", "redis", "storage"])
def test_a_deleted_pod_comes_back_with_every_acknowledged_write(
    stack: NodeStack, store: Store, record_property: Callable[[str, object], None]
) -> None:
    def delete() -> None:
        stack.cluster.api.delete(stack.pod(store))

    check(during(stack, store, delete), record_property)
