"""Pods and containers, as plain dicts."""

from __future__ import annotations

from archesai_infra.kube.labels import selector
from archesai_infra.kube.pods import Placement, SecretKey, container, environment, pod_spec
from archesai_infra.kube.probes import (
    Probes,
    stop_after_drain,
    tcp_probe,
)
from archesai_infra.kube.volumes import config_files, scratch


def test_secret_variables_are_references() -> None:
    assert environment({"PORT": "3001"}, {"DATABASE_URL": SecretKey("archesai-database", "URL")}) == [
        {"name": "PORT", "value": "3001"},
        {"name": "DATABASE_URL", "value_from": {"secret_key_ref": {"name": "archesai-database", "key": "URL"}}},
    ]


def test_a_container_has_no_privileges_and_only_what_it_was_given() -> None:
    assert container(name="api", image="archesai/api:v1", pull_policy="Always", resources={}) == {
        "name": "api",
        "image": "archesai/api:v1",
        "image_pull_policy": "Always",
        "resources": {},
        "security_context": {
            "allow_privilege_escalation": False,
            "read_only_root_filesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }


def test_a_container_names_its_ports_mounts_and_probes() -> None:
    probe = tcp_probe(3001, period=10, failures=3)
    built = container(
        name="api",
        image="archesai/api:v1",
        pull_policy="Always",
        resources={},
        command=("serve",),
        args=("--quiet",),
        env=environment({"A": "1"}, {}),
        ports={"http": 3001},
        mounts=[config_files("config", "/etc/a", "a", sub_path="a.yaml"), scratch("tmp", "/tmp", "1Mi")],
        probes=Probes(probe, probe, probe),
        lifecycle=stop_after_drain(5),
    )
    assert built.get("command") == ["serve"]
    assert built.get("args") == ["--quiet"]
    assert built.get("env") == [{"name": "A", "value": "1"}]
    assert built.get("ports") == [{"name": "http", "container_port": 3001}]
    assert built.get("volume_mounts") == [
        {"name": "config", "mount_path": "/etc/a", "sub_path": "a.yaml", "read_only": True},
        {"name": "tmp", "mount_path": "/tmp"},
    ]
    assert built.get("startup_probe") == built.get("readiness_probe") == built.get("liveness_probe") == probe
    assert built.get("lifecycle") == {"pre_stop": {"exec_": {"command": ["/bin/sh", "-c", "sleep 5"]}}}


def test_a_pod_is_unprivileged_bounded_in_time_and_spread() -> None:
    mount = scratch("tmp", "/tmp", "1Mi")
    assert pod_spec(
        component="api",
        instance="dev",
        service_account="archesai-api",
        containers=[{"name": "api"}],
        mounts=[mount],
        grace_seconds=30,
        placement=Placement(),
        pull_secret=None,
    ) == {
        "service_account_name": "archesai-api",
        "automount_service_account_token": False,
        "enable_service_links": False,
        "security_context": {
            "run_as_non_root": True,
            "run_as_user": 10001,
            "run_as_group": 10001,
            "fs_group": 10001,
            "fs_group_change_policy": "OnRootMismatch",
            "seccomp_profile": {"type": "RuntimeDefault"},
        },
        "restart_policy": "Always",
        "termination_grace_period_seconds": 30,
        "containers": [{"name": "api"}],
        "volumes": [mount.volume],
        "topology_spread_constraints": [
            {
                "max_skew": 1,
                "topology_key": key,
                "when_unsatisfiable": "ScheduleAnyway",
                "label_selector": {"match_labels": selector("api", "dev")},
            }
            for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
        ],
    }


def test_a_pod_goes_where_the_stack_says() -> None:
    toleration = {"key": "data", "operator": "Exists", "tolerationSeconds": 60}
    spec = pod_spec(
        component="api",
        instance="dev",
        service_account="archesai-api",
        containers=[],
        mounts=[],
        grace_seconds=30,
        placement=Placement({"disk": "ssd"}, [toleration], "important"),
        pull_secret="regcred",
        restart_policy="Never",
        spread=False,
        token=True,
    )
    assert spec.get("node_selector") == {"disk": "ssd"}
    assert spec.get("tolerations") == [{"key": "data", "operator": "Exists", "toleration_seconds": 60}]
    assert spec.get("priority_class_name") == "important"
    assert spec.get("image_pull_secrets") == [{"name": "regcred"}]
    assert spec.get("restart_policy") == "Never"
    assert spec.get("automount_service_account_token") is True
    assert "topology_spread_constraints" not in spec
    assert "volumes" not in spec
