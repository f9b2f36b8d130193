"""Changes of a running stack as `kubectl apply` makes them: order, growth, passwords."""

from __future__ import annotations

import time
from collections.abc import Generator

import pytest

from testbed.cluster.scenarios import merged
from testbed.node.cluster import Cluster
from testbed.node.stack import NodeStack, shipped

pytestmark = pytest.mark.node

LATE_SECONDS = 25.0
"""How much later the database comes; attempts that do not wait are made after 0 and 11 seconds."""


@pytest.fixture
def late(cluster: Cluster) -> Generator[NodeStack]:
    """A stack for one test; nothing of it is applied."""
    stack = NodeStack(cluster, "late", merged(shipped("dev"), {"namespace": "node-late"}))
    yield stack
    stack.delete()


def test_migrations_that_are_applied_before_the_database_lose_no_attempt(late: NodeStack) -> None:
    database = late.one("StatefulSet", "archesai-postgres")
    (job,) = late.of_kind("Job")
    late.cluster.apply([item for item in late.items if item is not database]).check()
    time.sleep(LATE_SECONDS)
    assert (late.cluster.api.read(job) or {})["status"].get("failed", 0) == 0
    late.cluster.apply([database]).check()
    late.wait_ready()
    assert (late.cluster.api.read(job) or {})["status"].get("failed", 0) == 0
    assert late.sql("select count(*) from information_schema.tables where table_schema = 'public'") != "0"


def test_a_volume_grows_under_a_running_server(fragile: NodeStack) -> None:
    pod = fragile.pod("database")
    (before,) = [one for one in fragile.of_kind("PersistentVolumeClaim") if "postgres" in one["metadata"]["name"]]
    assert before["spec"]["resources"]["requests"]["storage"] != "33Gi"
    fragile.changed({"database": {"size": "33Gi"}}).apply().wait_ready()
    grown = fragile.cluster.api.read(before) or {}
    assert grown["status"]["capacity"]["storage"] == "33Gi"
    assert fragile.pod("database")["metadata"]["name"] == pod["metadata"]["name"]


def test_another_password_of_the_database_ends_in_service(fragile: NodeStack) -> None:
    def password() -> str:
        (secret,) = [one for one in fragile.of_kind("Secret") if one["metadata"]["name"] == "archesai-database"]
        return str((fragile.cluster.api.read(secret) or {})["data"]["POSTGRES_PASSWORD"])

    before = password()
    fragile.changed({"databasePassword": "another password for a test"}).apply().wait_ready()
    assert password() != before
    assert fragile.exec("platform", "archesai", "dial", "archesai-api:3001").strip().endswith('"open"}')
    fragile.apply().wait_ready()
    assert password() == before
