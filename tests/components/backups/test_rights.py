"""What Velero may do: what backups and restores of a stack need, and no more."""

from __future__ import annotations

from typing import Any

import pytest

from archesai_infra.stack.evaluate import Evaluation
from testbed.backups import rendered
from testbed.stacks import Config, render

CLUSTER, INSIDE, HOME = ("ClusterRole", ""), ("Role", "archesai"), ("Role", "velero")
"""Kind and namespace of the roles."""
SNAPSHOTS: Config = {"backups": rendered.BACKUPS | {"snapshots": {"enabled": True}}}
WITH_SECRETS: Config = {"backups": rendered.BACKUPS | {"secrets": True}}


def _found(made: Evaluation, kind: str, namespace: str) -> list[dict[str, Any]]:
    return [
        item
        for item in made.objects
        if item["kind"] == kind
        and item["metadata"].get("namespace", "") == namespace
        and item["metadata"]["name"].startswith("archesai-velero")
    ]


def _rules(role: tuple[str, str], config: Config | None = None) -> list[dict[str, Any]]:
    (found,) = _found(rendered.production() if config is None else render(config), *role)
    return found["rules"]


def _allowed(rules: list[dict[str, Any]], verb: str) -> set[str]:
    """Resources with their group, as Velero names kinds."""
    return {
        f"{resource}.{group}".rstrip(".")
        for rule in rules
        if verb in rule["verbs"] and "resourceNames" not in rule
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }


@pytest.mark.parametrize("config", [None, SNAPSHOTS, WITH_SECRETS], ids=["plain", "snapshots", "secrets"])
@pytest.mark.parametrize("role", [CLUSTER, INSIDE, HOME], ids=["cluster", "namespace", "own namespace"])
def test_no_rule_has_a_wildcard_or_hands_rights_out(role: tuple[str, str], config: Config | None) -> None:
    for rule in _rules(role, config):
        assert "*" not in (*rule["apiGroups"], *rule["resources"], *rule["verbs"])
        assert not {"bind", "escalate", "impersonate"} & set(rule["verbs"])
        if "rbac.authorization.k8s.io" in rule["apiGroups"]:
            assert set(rule["verbs"]) == {"get", "list"}


@pytest.mark.parametrize("config", [None, WITH_SECRETS], ids=["plain", "secrets"])
def test_in_the_stack_s_namespace_it_reads_and_writes_what_a_backup_holds(config: Config | None) -> None:
    made = rendered.production() if config is None else render(config)
    schedule = next(item for item in made.objects if item["kind"] == "Schedule")
    held = set(schedule["spec"]["template"]["includedResources"])
    assert ("secrets" in held) is (config is not None)
    rules = _rules(INSIDE, config)
    assert _allowed(rules, "list") == held - {"persistentvolumes"}
    assert _allowed(rules, "create") == held - {"persistentvolumes"} | {"secrets"}
    assert not _allowed(rules, "delete")


def test_no_secret_is_read_outside_the_stack_s_namespace() -> None:
    assert not [rule for rule in _rules(CLUSTER) if "secrets" in rule["resources"]]


def test_every_binding_is_of_velero_s_account() -> None:
    bindings = [*_found(rendered.production(), "ClusterRoleBinding", "")]
    for namespace in ("archesai", "velero"):
        bindings += _found(rendered.production(), "RoleBinding", namespace)
    account = {"kind": "ServiceAccount", "name": "velero-server", "namespace": "velero"}
    assert [binding["subjects"] for binding in bindings] == [[account]] * 3


def test_a_velero_of_somebody_else_gets_rights_in_the_stack_s_namespace_alone() -> None:
    made = render({"backups": rendered.BACKUPS | {"velero": {"install": False}}})
    assert [len(_found(made, *role)) for role in (CLUSTER, INSIDE, HOME)] == [0, 1, 0]
