"""Velero's chart: every value we set is one that it knows, and what it renders is what backups need."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from archesai_infra import versions
from archesai_infra.components.backups import rights
from testbed.backups import rendered
from testbed.monitoring import charts
from testbed.stacks import render

VERSION = "12.1.0"
_KNOWN = """
    image/repository image/tag image/pullPolicy image/digest initContainers/* credentials/useSecret
    credentials/existingSecret configuration/defaultBackupTTL configuration/backupStorageLocation/*
    configuration/volumeSnapshotLocation/* configuration/features snapshotsEnabled deployNodeAgent
    nodeAgent/resources/* resources/* upgradeJobResources/* podSecurityContext/* containerSecurityContext/*
    metrics/enabled metrics/serviceMonitor/enabled metrics/serviceMonitor/autodetect
    metrics/nodeAgentPodMonitor/enabled metrics/nodeAgentPodMonitor/autodetect configMaps/*
    metrics/serviceMonitor/additionalLabels/* metrics/nodeAgentPodMonitor/additionalLabels/*
    serviceAccount/server/annotations/* configuration/disableInformerCache rbac/create rbac/clusterAdministrator
"""
KEYS = frozenset(_KNOWN.split())
"""Paths in the chart's own values.yaml at that version; `/*` is handed on unread."""


def _paths(values: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in values.items():
        path = f"{prefix}{key}"
        if f"{path}/*" in KEYS or not isinstance(value, dict):
            yield path
        else:
            yield from _paths(value, f"{path}/")


def _values(found: Any) -> dict[str, Any]:  # noqa: ANN401 - an evaluation
    return next(one.inputs["values"] for one in found.releases if one.inputs["name"] == "velero")


@pytest.mark.parametrize(
    "extra",
    [
        {},
        {"snapshots": {"enabled": True}},
        {"velero": {"roleArn": "arn:aws:iam::123456789012:role/backups"}, "existingSecret": None},
        {"velero": {"image": {"digest": "sha256:" + "0" * 64}}, "endpoint": "https://s3.example.com"},
    ],
    ids=["plain", "snapshots", "role", "endpoint and digest"],
)
def test_every_value_is_one_that_the_chart_knows(extra: dict[str, Any]) -> None:
    assert versions.VELERO_CHART.version == VERSION
    backups = {"enabled": True, "bucket": "elsewhere", "existingSecret": "cloud"} | extra
    found = render({"backups": {key: value for key, value in backups.items() if value is not None}})
    unknown = [path for path in _paths(_values(found)) if path not in KEYS and f"{path}/*" not in KEYS]
    assert not unknown


def _of(objects: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    return next(item for item in objects if item["kind"] == kind and item["metadata"]["name"] == name)


@pytest.fixture(scope="module")
def chart() -> list[dict[str, Any]]:
    """The release as the real chart renders it, its own schema included."""
    return charts.render(rendered.production(), "velero")


def test_the_location_is_the_stack_s_bucket(chart: list[dict[str, Any]]) -> None:
    spec = _of(chart, "BackupStorageLocation", "default")["spec"]
    assert spec["objectStorage"] == {"bucket": "archesai-backups", "prefix": "velero"}
    assert spec["credential"] == {"name": "archesai-backups-cloud", "key": "cloud"}
    assert spec["config"] == {"region": "us-east-1"}


def test_no_snapshot_location_is_made_where_nothing_is_snapshotted(chart: list[dict[str, Any]]) -> None:
    assert not [item for item in chart if item["kind"] == "VolumeSnapshotLocation"]


def test_the_server_runs_without_privileges_under_a_numeric_user(chart: list[dict[str, Any]]) -> None:
    pod = _of(chart, "Deployment", "velero")["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsUser"] == 1002
    for container in (*pod["containers"], *pod["initContainers"]):
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert container["securityContext"]["allowPrivilegeEscalation"] is False


def test_the_node_agent_that_copies_volumes_is_there(chart: list[dict[str, Any]]) -> None:
    pod = _of(chart, "DaemonSet", "node-agent")["spec"]["template"]
    assert pod["metadata"]["labels"]["role"] == "node-agent"
    assert pod["spec"]["containers"][0]["resources"]["limits"]["memory"] == "2Gi"


def test_restored_pods_wait_under_a_user_that_restricted_namespaces_take(chart: list[dict[str, Any]]) -> None:
    found = _of(chart, "ConfigMap", "velero-fs-restore-action-config")
    assert found["metadata"]["labels"]["velero.io/pod-volume-restore"] == "RestoreItemAction"
    assert "runAsUser: 10001" in found["data"]["secCtx"]


def test_the_chart_gives_its_account_no_right(chart: list[dict[str, Any]]) -> None:
    bound = {subject["name"] for item in chart if item["kind"] == "ClusterRoleBinding" for subject in item["subjects"]}
    assert not [item for item in chart if item["kind"] in ("Role", "RoleBinding")]
    # A Job before the release brings Velero's kinds; its account and its rights go with it.
    assert bound == {f"{rights.ACCOUNT}-upgrade-crds"}
    accounts = {
        _of(chart, kind, name)["spec"]["template"]["spec"]["serviceAccountName"]
        for kind, name in (("Deployment", "velero"), ("DaemonSet", "node-agent"))
    }
    assert accounts == {rights.ACCOUNT}


def test_a_restore_waits_for_no_cache_of_all_namespaces(chart: list[dict[str, Any]]) -> None:
    container = _of(chart, "Deployment", "velero")["spec"]["template"]["spec"]["containers"][0]
    assert "--disable-informer-cache=true" in container["args"]
