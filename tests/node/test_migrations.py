"""Migrations of real databases: late servers, the next version, a migration that fails, and its cure."""

from __future__ import annotations

import json
import time
from collections.abc import Generator

import pytest

from archesai_infra.cli.status.report import job
from testbed.cluster.scenarios import merged
from testbed.controlplane.api import Object
from testbed.node.cluster import Cluster
from testbed.node.images.applications import BROKEN_RELEASE
from testbed.node.stack import NodeStack, shipped
from testbed.stacks import Config

pytestmark = pytest.mark.node

LATE_SECONDS = 85.0
"""How much later the database comes: four attempts that did not wait would be over after 71 seconds."""
RETRIES = 1
"""Each failed attempt doubles the time to the next, from ten seconds."""


def release(tag: str) -> Config:
    return {"api": {"image": {"tag": tag}}, "migrations": {"retries": RETRIES}}


@pytest.fixture(scope="module", autouse=True)
def late(cluster: Cluster) -> Generator[tuple[NodeStack, float]]:
    """A stack without its database, and when it was applied; it waits while other tests run."""
    stack = NodeStack(cluster, "late", merged(shipped("dev"), {"namespace": "node-late"}))
    database = stack.one("StatefulSet", "archesai-postgres")
    stack.cluster.apply([item for item in stack.items if item is not database]).check()
    yield stack, time.monotonic()
    stack.delete()


@pytest.fixture(scope="module")
def released(cluster: Cluster) -> Generator[NodeStack]:
    """A stack of release v1.0.0, migrated and ready."""
    stack = NodeStack(cluster, "released", merged(shipped("dev"), {"namespace": "node-released"} | release("v1.0.0")))
    yield stack.apply().wait_ready()
    stack.delete()


def migrations(stack: NodeStack) -> Object:
    (found,) = stack.of_kind("Job")
    return found


def live(stack: NodeStack) -> Object:
    """The stack's migrations as the cluster has them."""
    return stack.cluster.api.read(migrations(stack)) or {}


def schema(stack: NodeStack) -> list[int]:
    return json.loads(stack.exec("api", "archesai", "schema"))


def test_another_release_migrates_what_the_one_before_left_and_a_release_before_changes_nothing(
    released: NodeStack,
) -> None:
    assert schema(released) == [1]
    released.changed(release("v1.1.0")).apply().wait_ready()
    assert schema(released) == [1, 2]
    released.apply().wait_ready()
    assert schema(released) == [1, 2]


def test_a_migration_that_fails_names_its_statement_and_leaves_the_api_serving_until_a_corrected_release(
    released: NodeStack,
) -> None:
    broken, corrected = released.changed(release(BROKEN_RELEASE)), released.changed(release("v1.2.1"))
    # Pulumi and Argo CD go no further than the Job.
    released.cluster.apply([migrations(broken)]).check()
    released.cluster.wait_for("the migration fails", lambda: [] if job(live(broken))[0] == "problem" else ["not yet"])
    assert live(broken)["status"]["failed"] == RETRIES + 1
    where = (f"job/{migrations(broken)['metadata']['name']}", f"--namespace={released.namespace}")
    said = released.cluster.kubectl("logs", *where).stderr + released.cluster.kubectl("logs", *where).stdout
    assert 'migration 3: ERROR: column "no_such_column" does not exist' in said
    assert 3 not in schema(released), "a failed step was recorded"
    assert released.exec("platform", "archesai", "dial", "archesai-api:3001").strip().endswith('"open"}')
    corrected.apply().wait_ready()
    assert schema(released) == [1, 2, 3]


def test_migrations_that_are_applied_long_before_the_database_lose_no_attempt(late: tuple[NodeStack, float]) -> None:
    stack, applied = late
    time.sleep(max(0.0, applied + LATE_SECONDS - time.monotonic()))
    assert live(stack)["status"].get("failed", 0) == 0
    stack.cluster.apply([stack.one("StatefulSet", "archesai-postgres")]).check()
    stack.wait_ready()
    assert live(stack)["status"].get("failed", 0) == 0
    assert schema(stack) == [1]
