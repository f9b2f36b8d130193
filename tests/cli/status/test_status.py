from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from archesai_infra.cli.base.kubeconfig import connect
from archesai_infra.cli.status.databases import pooler, postgres
from archesai_infra.cli.status.pods import pod_problem, reason
from archesai_infra.cli.status.report import (
    Line,
    backups,
    certificate,
    cron,
    job,
    look,
    next_command,
    ready_endpoints,
    rollout,
    summary,
)
from testbed.cli.running import run
from testbed.controlplane.fixtures import parts_or_skip
from testbed.controlplane.rig import ControlPlane
from testbed.programs import parts
from testbed.stacks import render

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def _deployment(replicas: int, updated: int, ready: int, observed: int = 2) -> dict[str, Any]:
    template = {"spec": {"containers": [{"image": "archesai/api:v1"}]}}
    return {
        "metadata": {"generation": 2},
        "spec": {"replicas": replicas, "template": template},
        "status": {"observedGeneration": observed, "updatedReplicas": updated, "readyReplicas": ready},
    }


def _backup(name: str, phase: str, ended: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "status": {"phase": phase, "completionTimestamp": ended}}


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (_deployment(3, 3, 3), ("ok", "3 of 3 ready, archesai/api:v1")),
        (_deployment(3, 3, 2), ("problem", "2 of 3 ready, archesai/api:v1")),
        (_deployment(3, 1, 3), ("warning", "rolling, 1 of 3 are new, 3 ready, archesai/api:v1")),
        (_deployment(3, 3, 3, observed=1), ("warning", "rolling, 3 of 3 are new, 3 ready, archesai/api:v1")),
    ],
)
def test_a_rollout_is_told_by_new_and_ready_pods(item: dict[str, Any], expected: tuple[str, str]) -> None:
    assert rollout(item) == expected


HEALTHY = {"phase": "Cluster in healthy state", "currentPrimary": "db-1", "targetPrimary": "db-1"}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (HEALTHY | {"readyInstances": 3}, ("ok", "3 of 3 ready, primary db-1, cluster in healthy state")),
        (
            HEALTHY
            | {"readyInstances": 2, "phase": "Failing over", "phaseReason": "db-1 is gone", "targetPrimary": "db-2"},
            ("warning", "2 of 3 ready, primary db-1, db-2 takes over, failing over: db-1 is gone"),
        ),
        (HEALTHY | {"phase": "Waiting"}, ("problem", "0 of 3 ready, primary db-1, waiting")),
        ({}, ("problem", "0 of 3 ready, no primary, the operator has not seen it yet")),
    ],
)
def test_a_cluster_of_postgres_is_told_by_its_primary_and_its_ready_instances(
    status: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert postgres({"spec": {"instances": 3}, "status": status}) == expected


def test_a_pooler_is_told_by_its_pods() -> None:
    found = {count: pooler({"spec": {"instances": 2}, "status": {"instances": count}}) for count in (0, 1, 2)}
    assert found == {0: ("problem", "0 of 2 pods"), 1: ("warning", "1 of 2 pods"), 2: ("ok", "2 of 2 pods")}


def test_a_job_is_running_until_it_says_otherwise() -> None:
    failed = {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}
    assert job({"status": {}}) == ("warning", "running")
    assert job({"status": {"conditions": [{"type": "Complete", "status": "True"}]}}) == ("ok", "done")
    assert job({"status": {"conditions": [failed]}}) == ("problem", "failed: BackoffLimitExceeded")


def test_a_pod_says_why_it_does_not_run() -> None:
    pulling = {"state": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off"}}}
    unscheduled = {"type": "PodScheduled", "status": "False", "message": "0/4 nodes are available"}
    assert pod_problem({"status": {"containerStatuses": [pulling]}}) == "ImagePullBackOff Back-off"
    assert pod_problem({"status": {"conditions": [unscheduled]}}) == "is not scheduled: 0/4 nodes are available"
    assert not pod_problem({"status": {"containerStatuses": [{"state": {"running": {}}}]}})


@pytest.mark.parametrize(
    ("why", "command"),
    [
        ("api-1 ImagePullBackOff Back-off pulling image", "arches rollback --stack prod"),
        ("api-1 ErrImagePull not found", "arches rollback --stack prod"),
        ("api-1 CrashLoopBackOff back-off 5m0s", "arches logs api --previous --stack prod"),
        ("", "arches logs api --stack prod"),
    ],
)
def test_the_next_command_follows_from_what_keeps_a_pod_from_running(why: str, command: str) -> None:
    assert next_command(why, "api", "prod") == command


def test_endpoints_count_unless_they_say_they_are_not_ready() -> None:
    endpoints = [
        {"addresses": ["10.0.0.1"], "conditions": {"ready": True}},
        {"addresses": ["10.0.0.2"], "conditions": {"ready": False}},
        {"addresses": ["10.0.0.3"]},
    ]
    assert ready_endpoints({"endpoints": endpoints}) == 2
    assert ready_endpoints({"endpoints": None}) == 0


@pytest.mark.parametrize(
    ("end", "expected"),
    [("2026-08-01T12:00:00Z", ("ok", "ends in 61 days")), ("2026-06-10T12:00:00Z", ("warning", "ends in 9 days"))],
)
def test_a_certificate_near_its_end_is_a_warning(end: str, expected: tuple[str, str]) -> None:
    ready = {"type": "Ready", "status": "True"}
    assert certificate({"status": {"conditions": [ready], "notAfter": end}}, NOW) == expected


def test_a_certificate_that_was_never_made_says_why() -> None:
    condition = {"type": "Ready", "status": "False", "message": "the challenge fails"}
    assert certificate({"status": {"conditions": [condition]}}, NOW) == ("problem", "is not ready: the challenge fails")


@pytest.mark.parametrize(
    ("found", "status"),
    [
        ([_backup("a", "Completed", "2026-06-01T11:10:00Z")], "ok"),
        ([_backup("a", "Completed", "2026-06-01T09:10:00Z")], "problem"),
        ([_backup("a", "PartiallyFailed", "2026-06-01T11:10:00Z")], "problem"),
        (
            [
                _backup("a", "Completed", "2026-06-01T10:10:00Z"),
                _backup("b", "PartiallyFailed", "2026-06-01T11:10:00Z"),
            ],
            "problem",
        ),
        ([], "problem"),
    ],
)
def test_only_a_whole_and_recent_backup_is_a_backup(found: list[dict[str, Any]], status: str) -> None:
    assert backups(found, NOW)[0] == status


def test_a_job_of_the_clock_tells_its_last_success() -> None:
    assert cron({"status": {"lastSuccessfulTime": "2026-06-01T11:30:00Z"}}, NOW) == ("ok", "succeeded 30 min ago")
    assert cron({"status": {}}, NOW) == ("warning", "has not run yet")
    assert cron({"status": {"lastScheduleTime": "2026-06-01T11:30:00Z"}}, NOW) == ("warning", "has not succeeded yet")
    assert cron(None, NOW)[0] == "problem"


def test_without_a_cluster_the_command_ends_with_a_sentence_and_its_own_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    result = run("status")
    assert (result.exit_code, "cannot be used" in result.stderr) == (4, True)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    parts_or_skip(*parts.RIG)
    with ControlPlane(tmp_path_factory.mktemp("status")) as running:
        yield running


@pytest.mark.cluster
def test_a_stack_that_was_never_applied_is_one_line_and_one_that_was_is_well(
    rig: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(rig.admin_kubeconfig))
    evaluation = render({"redis": {"enabled": True}})
    first = run("status", "--stack", "dev")
    assert (first.exit_code, first.stderr) == (1, "")
    assert re.fullmatch(
        r"Stack dev in namespace archesai of context \S+: nothing is deployed yet\. Next: arches up --stack dev\n",
        first.output,
    )
    # An evaluation without Secrets names a Job by less than the engine does.
    named = {"Job": "archesai-migrations-of-the-engine"}
    objects = [
        {**item, "metadata": item["metadata"] | {"name": named.get(item["kind"], item["metadata"]["name"])}}
        for item in sorted(evaluation.objects, key=lambda item: item["kind"] != "Namespace")
    ]
    rig.apply(objects).check()
    running = [item for item in objects if item["kind"] in ("Deployment", "StatefulSet", "Job")]
    rig.wait_ready(*running)
    rig.wait_for("a stack that is well", lambda: _complaints(rig))
    after = _look(rig)
    assert summary(after)["problem"] == 0
    assert {line.name for line in after} >= {
        "StatefulSet archesai-redis", "Service archesai-api", "PersistentVolumeClaim archesai-postgres-data",
        "Job archesai-migrations-of-the-engine",
    }  # fmt: skip


@pytest.mark.cluster
def test_a_pod_whose_probe_fails_says_what_the_probe_got_last(rig: ControlPlane) -> None:
    # No kubelet runs on its node, so that the only events are the ones made here.
    spec = {"nodeName": "absent", "containers": [{"name": "web", "image": "web"}]}
    metadata = {"name": "probed", "namespace": "default", "labels": {"app": "probed"}}
    rig.apply([{"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}]).check()
    with connect(None, str(rig.admin_kubeconfig)) as cluster:
        assert not reason(cluster, "default", "app=probed")
        for minute, answer in ((1, "statuscode: 503"), (3, "statuscode: 404"), (2, "connection refused")):
            rig.api.create(_unhealthy("probed", f"Readiness probe failed: {answer}", minute))
        rig.api.create(_unhealthy("another", "Liveness probe failed: timeout", 4))
        assert reason(cluster, "default", "app=probed") == "probed Readiness probe failed: statuscode: 404"


def _unhealthy(pod: str, message: str, minute: int) -> dict[str, Any]:
    """The event that a kubelet makes of a failed probe."""
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{pod}.{minute}", "namespace": "default"},
        "involvedObject": {"apiVersion": "v1", "kind": "Pod", "name": pod, "namespace": "default"},
        "type": "Warning",
        "reason": "Unhealthy",
        "message": message,
        "lastTimestamp": f"2026-06-01T12:{minute:02}:00Z",
    }


def _look(rig: ControlPlane) -> list[Line]:
    with connect(None, str(rig.admin_kubeconfig)) as cluster:
        return look(cluster, render({"redis": {"enabled": True}}), "dev", datetime.now(UTC))


def _complaints(rig: ControlPlane) -> list[str]:
    return [f"{line.name} {line.text}" for line in _look(rig) if line.status != "ok"]
