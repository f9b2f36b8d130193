from __future__ import annotations

from typing import Any

import pytest

from archesai_infra.cli.adopt.differences import differences, immutable, projection


@pytest.mark.parametrize(
    ("live", "declared", "seen", "differing"),
    [
        ({"a": 1, "server": True}, {"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, {"a": 1}, ["a"]),
        ({}, {"a": {"b": 1}}, {}, ["a"]),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 2}}, {"a": {"b": 1}}, ["a.b"]),
        ({"a": [{"b": 1, "c": 2}]}, {"a": [{"b": 3}]}, {"a": [{"b": 1}]}, ["a[0].b"]),
        ({"a": [1, 2]}, {"a": [1]}, {"a": [1, 2]}, ["a"]),
        ({"a": "text"}, {"a": {"b": 1}}, {"a": "text"}, ["a"]),
    ],
)
def test_only_declared_places_are_seen_and_compared(
    live: Any,  # noqa: ANN401 - JSON
    declared: Any,  # noqa: ANN401 - JSON
    seen: Any,  # noqa: ANN401 - JSON
    differing: list[str],
) -> None:
    assert projection(live, declared) == seen
    assert list(differences(live, declared)) == differing


def claim(size: str, **spec: object) -> dict[str, Any]:
    return {"kind": "PersistentVolumeClaim", "spec": {"resources": {"requests": {"storage": size}}, **spec}}


def test_a_claim_can_grow_and_neither_shrink_nor_change_its_class() -> None:
    live = claim("10Gi", storageClassName="standard", volumeName="volume")
    assert immutable(live, claim("20Gi")) == []
    assert immutable(live, claim("10240Mi")) == []
    assert immutable(live, claim("5Gi")) == ["it has 10Gi, the stack has 5Gi, and no volume shrinks"]
    assert immutable(live, claim("10Gi", storageClassName="fast")) == [
        "spec.storageClassName is standard, the stack has fast"
    ]


def test_what_the_server_adds_to_a_job_is_no_difference() -> None:
    declared = {"kind": "Job", "spec": {"template": {"spec": {"containers": [{"name": "one"}]}}}}
    added = {"metadata": {"labels": {"job-name": "one"}}, "spec": {"containers": [{"name": "one", "tty": False}]}}
    assert immutable({"kind": "Job", "spec": {"template": added, "selector": {}}}, declared) == []
    other = {"spec": {"containers": [{"name": "two"}]}}
    assert immutable({"kind": "Job", "spec": {"template": other}}, declared) == [
        "spec.template is another one, the stack has another one"
    ]


def test_a_role_of_a_binding_and_the_type_of_a_secret_stay() -> None:
    assert immutable({"type": "Opaque"}, {"kind": "Secret", "type": "kubernetes.io/tls"}) == [
        "type is Opaque, the stack has kubernetes.io/tls"
    ]
    binding = {"kind": "RoleBinding", "roleRef": {"name": "ours"}}
    assert immutable({"roleRef": {"name": "theirs"}}, binding) == ["roleRef is another one, the stack has another one"]
