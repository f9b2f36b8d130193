"""Changes of a running stack as `kubectl apply` makes them: growth, passwords."""

from __future__ import annotations

import pytest

from testbed.node.stack import NodeStack

pytestmark = pytest.mark.node


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
