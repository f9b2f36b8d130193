"""The objects of a cluster of PostgreSQL, its archive and its recovery, by the operators' own definitions."""

from __future__ import annotations

from copy import deepcopy

import pytest

from archesai_infra.components.backups import archive_drill
from testbed.controlplane.api import Object
from testbed.controlplane.apply import apply
from testbed.controlplane.rig import ControlPlane
from testbed.matrix import MATRIX
from testbed.stacks import render

pytestmark = pytest.mark.cluster

KINDS = ("Cluster", "ObjectStore", "ScheduledBackup")
CASES = [name for name in MATRIX if name.startswith("database cluster")]


def _objects(case: str, namespace: str) -> list[Object]:
    found = [deepcopy(item) for item in render(MATRIX[case]).objects if item["kind"] in KINDS]
    for item in found:
        item["metadata"]["namespace"] = namespace
    return found


@pytest.mark.parametrize("case", CASES)
def test_the_definitions_take_every_form_of_a_cluster(prepared: ControlPlane, fresh_namespace: str, case: str) -> None:
    found = _objects(case, fresh_namespace)
    outcome = apply(prepared.api, found)
    assert (outcome.errors, outcome.warnings) == ({}, {})
    # What the server writes back for one declared key would be a change at each run.
    assert apply(prepared.api, found).results == outcome.results
    assert {item["kind"] for item in found} == ({"Cluster"} if "archive" not in str(found) else set(KINDS))


def test_the_drill_of_an_archive_is_accepted_with_the_pod_that_it_makes(
    prepared: ControlPlane, fresh_namespace: str
) -> None:
    evaluation = render(MATRIX["database cluster with a drill of its archive"])
    found = [
        deepcopy(item)
        for item in evaluation.objects
        if item["metadata"]["labels"].get("app.kubernetes.io/component") == archive_drill.MODULE
    ]
    (template,) = [item["spec"]["jobTemplate"]["spec"]["template"] for item in found if item["kind"] == "CronJob"]
    metadata = template["metadata"] | {"name": "drill"}
    found.append({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": deepcopy(template["spec"])})
    for item in found:
        item["metadata"]["namespace"] = fresh_namespace
    outcome = apply(prepared.api, found)
    assert (outcome.errors, outcome.warnings) == ({}, {})


def test_the_definitions_refuse_what_the_stack_file_could_get_wrong(
    prepared: ControlPlane, fresh_namespace: str
) -> None:
    by_kind = {item["kind"]: item for item in _objects("database cluster with an archive", fresh_namespace)}
    by_kind["ObjectStore"]["spec"]["configuration"]["serverName"] = "archesai-db-1"
    by_kind["ScheduledBackup"]["spec"]["method"] = "barman"
    by_kind["Cluster"]["spec"]["postgresql"]["synchronous"]["number"] = 0
    assert len(apply(prepared.api, by_kind.values()).errors) == len(KINDS)
