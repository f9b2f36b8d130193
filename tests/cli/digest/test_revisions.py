"""Objects with another URN for each content, in previews and comments."""

from __future__ import annotations

from typing import Any

import pytest

from archesai_infra.cli.digest.changes import changes, totals
from archesai_infra.cli.digest.revisions import paired
from archesai_infra.kube.names import content_name, without_digest
from testbed.stacks import render

URN = "urn:pulumi:dev::archesai::archesai:index:Api$kubernetes:core/v1:ConfigMap::"


def _step(operation: str, logical: str, name: str, level: str) -> dict[str, Any]:
    state = {
        "type": "kubernetes:core/v1:ConfigMap",
        "inputs": {"kind": "ConfigMap", "metadata": {"name": name}, "data": {"level": level}},
    }
    old, new = (state, None) if operation == "delete" else (None, state)
    return {"op": operation, "urn": f"{URN}{logical}", "oldState": old, "newState": new}


OLD = _step("delete", "api-config-0123abcd", "archesai-config-0123abcd", "info")
NEW = _step("create", "api-config-4567cdef", "archesai-config-4567cdef", "debug")
OTHER = _step("delete", "api-files-0123abcd", "archesai-files-0123abcd", "info")


def test_another_content_is_one_new_revision_with_its_old_and_new_value() -> None:
    (change,) = changes({"steps": [OLD, NEW]})
    assert (change.operation, change.name) == ("revision", "archesai-config-0123abcd")
    assert [(one.path, one.old, one.new) for one in change.properties] == [("data.level", "info", "debug")]
    assert totals([change]) == "1 new revision"


def test_what_only_goes_or_only_comes_is_told_so() -> None:
    assert {change.operation for change in changes({"steps": [OTHER, NEW]})} == {"delete", "create"}


def test_steps_without_a_pair_stay_as_they_are() -> None:
    assert paired([OTHER, NEW]) == [OTHER, NEW]


@pytest.mark.parametrize(
    ("logical", "name", "lasting"),
    [
        ("api-config-0123abcd", "archesai-config-0123abcd", "api-config"),
        ("migrations-job", "archesai-migrations-0123abcd", "migrations-job"),
        ("x-0123abcd", "another-0123abcd", "x-0123abcd"),
    ],
)
def test_only_a_digest_of_the_content_leaves_an_identity(logical: str, name: str, lasting: str) -> None:
    assert without_digest(logical, name) == lasting


def test_each_content_is_a_resource_of_its_own_under_the_name_in_the_cluster() -> None:
    (found,) = (one for one in render({}).resources if one.lasting_urn.endswith("::api-config"))
    name = found.inputs["metadata"]["name"]
    assert found.name == f"api-config-{name[-8:]}"
    assert name == content_name("config", found.inputs["data"])
