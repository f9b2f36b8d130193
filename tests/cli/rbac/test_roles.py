"""The shipped roles on a real API server: what their holders may read and change."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from archesai_infra.cli.rbac.roles import DEPLOYER, READER, REFRESHER, plural, roles
from testbed.cli.projects import project
from testbed.cli.running import run
from testbed.controlplane.api import Object
from testbed.controlplane.rig import ControlPlane
from testbed.stacks import find, render, shipped

__all__ = ["project"]


def _rules(role: str) -> list[Object]:
    made = roles(shipped("prod"), "prod", "team", role)
    return [rule for item in made for rule in item.get("rules", [])]


def test_a_reader_sees_no_secret_and_nobody_gets_everything() -> None:
    for role in (READER, REFRESHER, DEPLOYER):
        rules = _rules(role)
        assert any("secrets" in rule["resources"] for rule in rules) is (role != READER)
        assert not [rule for rule in rules if "*" in str(rule)]
        changing = {verb for rule in rules for verb in rule["verbs"]} - {"get", "list", "watch"}
        assert bool(changing) is (role == DEPLOYER)


def test_a_refresher_gets_the_stacks_secrets_by_name() -> None:
    made = list(roles(shipped("prod"), "prod", "team", REFRESHER))
    own = next(item for item in made if item["kind"] == "Role" and item["metadata"]["namespace"] == "archesai")
    [rule] = [one for one in own["rules"] if "secrets" in one["resources"]]
    declared = [item for item in shipped("prod").objects if item["kind"] == "Secret"]
    assert rule["verbs"] == ["get"]
    assert set(rule["resourceNames"]) == {
        item["metadata"]["name"] for item in declared if item["metadata"]["namespace"] == "archesai"
    }


def test_rights_to_refresh_are_not_asked_for_with_those_of_a_deployer(project: Path) -> None:
    assert project.is_dir()
    done = run("rbac", "--deployer", "--refresh")
    assert done.exit_code == 2
    assert "leave one of --deployer and --refresh out" in " ".join(done.stderr.split())


def test_every_kind_of_the_stack_is_named() -> None:
    made = list(roles(shipped("prod"), "prod", "team", DEPLOYER))
    named = {resource for item in made for rule in item.get("rules", []) for resource in rule["resources"]}
    assert {plural(item["kind"]) for item in shipped("prod").objects} <= named


@pytest.mark.parametrize(
    ("kind", "name"),
    [("NetworkPolicy", "networkpolicies"), ("Ingress", "ingresses"), ("EndpointSlice", "endpointslices")],
)
def test_kinds_are_named_as_the_server_names_them(kind: str, name: str) -> None:
    assert plural(kind) == name


def test_the_command_says_what_charts_need_besides(project: Path) -> None:
    assert project.is_dir()
    done = run("rbac", "--stack", "prod", "--deployer", "--group", "team")
    assert done.exit_code == 0
    assert {item["kind"] for item in yaml.safe_load_all(done.output)} == {
        "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding",
    }  # fmt: skip
    assert "needs cluster-admin" in done.stderr


@pytest.mark.cluster
def test_a_reader_reads_the_stack_and_no_secret(control_plane: ControlPlane) -> None:
    stack = render({"namespace": "read-only"})
    own = find(stack, "Namespace", "read-only")
    control_plane.apply([own, *roles(stack, "dev", "readers", READER)]).check()
    reader = control_plane.kubeconfig("reader", ["readers"])

    def may(*words: str) -> bool:
        done = control_plane.kubectl("auth", "can-i", *words, "--namespace=read-only", kubeconfig=reader)
        return done.stdout.strip() == "yes"

    for kind in {plural(item["kind"]) for item in stack.objects} - {"secrets"}:
        assert may("get", kind), kind
        assert not may("patch", kind), kind
    for words in (
        ("get", "secrets"),
        ("list", "secrets"),
        ("create", "pods/exec"),
        ("create", "serviceaccounts/token"),
    ):
        assert not may(*words), words
    refused = control_plane.kubectl("get", "secrets", "--namespace=read-only", kubeconfig=reader)
    assert refused.returncode != 0
    assert "forbidden" in refused.stderr
