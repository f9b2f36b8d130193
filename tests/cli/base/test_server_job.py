"""The pod of the database, as commands that change it find it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.kubeconfig import connect
from archesai_infra.cli.base.server_job import live_server
from testbed.cli.servers import answering, kubeconfig

Ask = Callable[[int, dict[str, Any]], dict[str, Any]]
SET: dict[str, Any] = {"kind": "StatefulSet", "apiVersion": "apps/v1", "metadata": {"name": "archesai-postgres"}}
ABSENT: dict[str, Any] = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound"}


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """What the commands make of the API server's answer."""
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))

    def answered(status: int, body: dict[str, Any]) -> dict[str, Any]:
        with answering(status, json.dumps(body).encode(), {"Content-Type": "application/json"}) as server:
            kubeconfig(tmp_path / "kubeconfig", server)
            with connect("here") as cluster:
                return live_server(cluster, "archesai")

    return answered


def test_a_pod_that_answers_is_the_server(ask: Ask) -> None:
    live = SET | {"status": {"readyReplicas": 1}}
    assert ask(200, live) == live


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (404, ABSENT, "namespace archesai has no pod of the database: run `arches up` first"),
        (200, SET | {"status": {"replicas": 1}}, "the database is not ready: arches status"),
    ],
)
def test_a_database_without_a_pod_that_answers_is_left_alone(
    ask: Ask, status: int, body: dict[str, Any], message: str
) -> None:
    with pytest.raises(CommandError) as refused:
        ask(status, body)
    assert (str(refused.value), refused.value.code) == (message, Exit.FOUND)
