"""What `arches backup list` says of the archives of a cluster, and what a restore asks of one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from archesai_infra.cli.backups.archives import archive_cells, archives
from archesai_infra.cli.backups.restore_plan import empty_cluster, whole
from archesai_infra.cli.backups.store import Store
from archesai_infra.cli.base.cluster import Cluster
from archesai_infra.components.backups.schedules import CONTENT_LABEL
from archesai_infra.stack.settings import Settings
from testbed.matrix import MATRIX
from testbed.stacks import Config, render

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
ARCHIVED = MATRIX["database cluster with an archive"]
LOST: Config = ARCHIVED | {
    "database": {
        "mode": "cluster",
        "cluster": {
            "archive": {"enabled": True},
            "generation": 2,
            "recovered": [{"generation": 2, "source": "archesai-db-1-1"}],
        },
    }
}


class Live:
    """An API server with a cluster, its store and two base backups."""

    def __init__(self, *, archiving: str | None = "True", window: dict[str, str] | None = None) -> None:
        message = {"message": "Expected empty archive\n", "status": archiving, "type": "ContinuousArchiving"}
        self.cluster: dict[str, Any] | None = {"status": {"conditions": [message] if archiving else []}}
        self.windows = {"archesai-db-1-1": window or {}, "archesai-db-0-1": {"firstRecoverabilityPoint": at(days=9)}}

    def find(self, path: str) -> dict[str, Any] | None:
        if path.endswith("/objectstores/archesai-db"):
            return {"status": {"serverRecoveryWindow": self.windows}}
        assert path.endswith("/namespaces/archesai/clusters/archesai-db-1")
        return self.cluster

    def list(self, path: str, *, labels: str) -> list[dict[str, Any]]:
        assert path == "/apis/postgresql.cnpg.io/v1/namespaces/archesai/backups"
        assert labels == "cnpg.io/cluster=archesai-db-1"
        return [{"status": {"phase": "completed"}}, {"status": {"phase": "failed"}}]


def at(**before: float) -> str:
    return (NOW - timedelta(**before)).isoformat()


def settings(config: Config) -> Settings:
    return render(config).settings


def listed(live: Live) -> list[dict[str, Any]]:
    return archives(Store(cast("Cluster", live), "dev", settings(ARCHIVED)), NOW)


GOOD = {"firstRecoverabilityPoint": at(days=7), "lastSuccessfulBackupTime": at(hours=9)}


def test_an_archive_tells_how_far_back_a_recovery_reaches() -> None:
    first, other = listed(Live(window=GOOD))
    assert archive_cells(first) == ["archesai-db-1-1", "archesai-db-1", at(days=7), "1", "9 h", "ok"]
    assert archive_cells(other) == ["archesai-db-0-1", "-", at(days=9), "0", "-", "ok"]


TROUBLE: dict[str, tuple[Live, list[str]]] = {
    "the log": (Live(archiving="False", window=GOOD), ["the log is not archived: Expected empty archive"]),
    "nothing known": (Live(archiving=None, window=GOOD), ["nothing is known of the log's archive yet"]),
    "no base backup": (Live(), ["there is no base backup yet"]),
    "an old base backup": (
        Live(window=GOOD | {"lastSuccessfulBackupTime": at(hours=27)}),
        [f"the newest base backup is of {at(hours=27)}"],
    ),
    "a failed base backup": (
        Live(window=GOOD | {"lastFailedBackupTime": at(hours=1)}),
        [f"the newest base backup failed ({at(hours=1)})"],
    ),
}


@pytest.mark.parametrize("what", TROUBLE)
def test_what_keeps_a_recovery_from_reaching_this_moment_is_listed(what: str) -> None:
    live, problems = TROUBLE[what]
    assert listed(live)[0]["problems"] == problems


def test_a_cluster_that_is_gone_is_listed_as_such() -> None:
    live = Live(window=GOOD)
    live.cluster = None
    assert listed(live)[0]["problems"] == ["Cluster archesai-db-1 does not exist"]


def test_a_stack_without_an_archive_lists_none() -> None:
    store = Store(cast("Cluster", Live()), "dev", settings(MATRIX["database cluster"]))
    assert archives(store, NOW) == []


def test_a_namespace_is_not_restored_while_its_cluster_would_begin_empty() -> None:
    assert empty_cluster(settings(ARCHIVED)) == [
        (
            "database.cluster.generation: archesai-db-1 would begin empty, beside its archive: set it to 2, and "
            "database.cluster.recovered to [{generation: 2, source: archesai-db-1-1}]"
        )
    ]
    assert empty_cluster(settings(LOST)) == empty_cluster(settings({})) == []


def test_the_plan_of_a_restore_says_where_the_database_comes_from() -> None:
    backup = {"metadata": {"name": "b", "labels": {CONTENT_LABEL: "database"}}}

    def text(config: Config) -> str:
        steps = whole(settings(config), "dev", backup, None)
        return next(step.text for step in steps if step.name == "keep-database")

    assert "recovers archesai-db-2 from archive archesai-db-1-1, up to its end" in text(LOST)
    assert "makes an empty archesai-db-1, and --module database" in text(MATRIX["database cluster"])
