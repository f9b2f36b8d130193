"""The removal of what a copy needed, where the cluster does not let go of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from archesai_infra.cli.base.kubeconfig import connect
from archesai_infra.cli.upgrade.copying import Copying
from archesai_infra.cli.upgrade.lease import LEASE_SECONDS
from archesai_infra.cli.upgrade.objects import NAME, helpers, remains
from archesai_infra.cli.upgrade.plan import planned
from testbed.cli.projects import project
from testbed.cli.servers import answering, kubeconfig

__all__ = ["project"]


Removed = Callable[[int, str], list[str]]


@pytest.fixture
def removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Removed:
    """What is printed where every request to remove something is answered with this status and reason."""
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))

    def ask(status: int, reason: str) -> list[str]:
        _remove(status, reason, tmp_path)
        return capsys.readouterr().err.splitlines()

    return ask


def _remove(status: int, reason: str, directory: Path) -> None:
    answer = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "message": reason}
    with answering(status, json.dumps(answer).encode(), {"Content-Type": "application/json"}) as server:
        kubeconfig(directory / "kubeconfig", server)
        with connect("here") as cluster, Copying.of(cluster, planned("dev", 17, None), 1).job.removed_in_the_end():
            pass


@pytest.mark.usefixtures("project")
def test_what_is_not_removed_is_named_with_the_command_that_removes_it(removed: Removed) -> None:
    lines = removed(403, "Forbidden")
    assert len(lines) == len(helpers(planned("dev", 17, None)))
    command = f"kubectl --context here --namespace archesai delete job {NAME}"
    assert lines[0].startswith(f"Job {NAME} was not removed: ")
    assert lines[0].endswith(f"remove it: {command}")


@pytest.mark.usefixtures("project")
def test_what_is_gone_already_is_no_news(removed: Removed) -> None:
    assert removed(404, "NotFound") == []


@pytest.mark.usefixtures("project")
def test_a_copy_has_little_time_left_where_no_command_puts_its_deadline_off() -> None:
    (job,) = (item for item in helpers(planned("dev", 17, None)) if item["kind"] == "Job")
    assert job["spec"]["activeDeadlineSeconds"] == LEASE_SECONDS


@pytest.mark.usefixtures("project")
def test_the_way_back_removes_each_object_that_a_killed_copy_has_left() -> None:
    made = [(item["kind"], item["metadata"]["name"]) for item in helpers(planned("dev", 17, None))]
    assert [(item["kind"], item["metadata"]["name"]) for item in remains()] == made
