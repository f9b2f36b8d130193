"""Changes of a running stack as `kubectl apply` makes them: order, growth, passwords."""

from __future__ import annotations

import time
import uuid
from collections.abc import Generator

import pytest

from testbed.cluster.scenarios import merged
from testbed.node.cluster import Cluster
from testbed.node.stack import NodeStack, shipped

pytestmark = pytest.mark.node

LATE_SECONDS = 25.0
"""How much later the database comes; attempts that do not wait are made after 0 and 11 seconds."""


@pytest.fixture
def own(cluster: Cluster) -> Generator[NodeStack]:
    """A stack for one test; nothing of it is applied."""
    namespace = f"node-own-{uuid.uuid4().hex[:6]}"
    stack = NodeStack(cluster, "own", merged(shipped("dev"), {"namespace": namespace}))
    yield stack
    stack.delete()


def test_migrations_that_are_applied_before_the_database_lose_no_attempt(own: NodeStack) -> None:
    database = own.one("StatefulSet", "archesai-postgres")
    (job,) = own.of_kind("Job")
    own.cluster.apply([item for item in own.items if item is not database]).check()
    time.sleep(LATE_SECONDS)
    assert (own.cluster.api.read(job) or {})["status"].get("failed", 0) == 0
    own.cluster.apply([database]).check()
    own.wait_ready()
    assert (own.cluster.api.read(job) or {})["status"].get("failed", 0) == 0
    assert own.sql("select count(*) from information_schema.tables where table_schema = 'public'") != "0"


def test_a_volume_grows_under_a_running_server(own: NodeStack) -> None:
    own.apply().wait_ready()
    pod = own.pod("database")
    (before,) = [one for one in own.of_kind("PersistentVolumeClaim") if "postgres" in one["metadata"]["name"]]
    assert before["spec"]["resources"]["requests"]["storage"] != "33Gi"
    own.changed({"database": {"size": "33Gi"}}).apply().wait_ready()
    grown = own.cluster.api.read(before) or {}
    assert grown["status"]["capacity"]["storage"] == "33Gi"
    assert own.pod("database")["metadata"]["name"] == pod["metadata"]["name"]


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
