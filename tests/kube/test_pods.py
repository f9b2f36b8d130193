"""Pods, containers, volumes and probes, as plain dicts."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
import time

import pytest

from archesai_infra.kube.labels import selector
from archesai_infra.kube.pods import (
    Mount,
    Placement,
    Probes,
    SecretKey,
    claim,
    config_files,
    container,
    environment,
    exec_probe,
    http_probe,
    interrupt_command,
    pod_spec,
    scratch,
    secret_files,
    stop_after_drain,
    stop_by_interrupt,
    tcp_probe,
)


def test_a_scratch_volume_has_a_bound() -> None:
    assert scratch("tmp", "/tmp", "64Mi") == Mount("tmp", "/tmp", {"name": "tmp", "empty_dir": {"size_limit": "64Mi"}})


def test_a_scratch_volume_may_be_in_memory() -> None:
    assert scratch("run", "/run", "1Mi", memory=True).volume == {
        "name": "run",
        "empty_dir": {"size_limit": "1Mi", "medium": "Memory"},
    }


def test_files_of_a_config_map_are_read_only() -> None:
    mount = config_files("config", "/etc/archesai", "archesai-config")
    assert mount.volume == {"name": "config", "config_map": {"name": "archesai-config", "default_mode": 0o444}}
    assert mount.read_only


def test_files_of_a_secret_are_for_the_pods_own_group_only() -> None:
    mount = secret_files("password", "/run/secrets", "archesai-redis", ["REDIS_PASSWORD"])
    assert mount.volume == {
        "name": "password",
        "secret": {
            "secret_name": "archesai-redis",
            "default_mode": 0o440,
            "items": [{"key": "REDIS_PASSWORD", "path": "REDIS_PASSWORD"}],
        },
    }
    assert mount.read_only


def test_a_claim_is_mounted_by_name() -> None:
    assert claim("data", "/data", "archesai-redis-data").volume == {
        "name": "data",
        "persistent_volume_claim": {"claim_name": "archesai-redis-data"},
    }


def test_secret_variables_are_references() -> None:
    assert environment({"PORT": "3001"}, {"DATABASE_URL": SecretKey("archesai-database", "URL")}) == [
        {"name": "PORT", "value": "3001"},
        {"name": "DATABASE_URL", "value_from": {"secret_key_ref": {"name": "archesai-database", "key": "URL"}}},
    ]


def test_probes_are_one_question_each() -> None:
    timing = {"period_seconds": 10, "failure_threshold": 3}
    assert http_probe("/health", 3001, period=10, failures=3) == timing | {
        "http_get": {"path": "/health", "port": 3001},
        "timeout_seconds": 3,
    }
    assert tcp_probe(3001, period=10, failures=3) == timing | {"tcp_socket": {"port": 3001}, "timeout_seconds": 3}
    assert exec_probe(("pg_isready", "-q"), period=10, failures=3) == timing | {
        "exec_": {"command": ["pg_isready", "-q"]},
        "timeout_seconds": 5,
    }


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


def test_a_server_that_wants_an_interrupt_gets_one_after_it_left_the_endpoints() -> None:
    assert stop_by_interrupt(5) == {"pre_stop": {"exec_": {"command": interrupt_command(5)}}}
    assert interrupt_command(5)[2].startswith("sleep 5; kill -INT 1; ")


@pytest.mark.skipif(sys.platform != "linux", reason="signals of a shell's children as on the images' Linux")
def test_the_hook_interrupts_and_waits_until_the_server_is_gone() -> None:
    server = "import signal,sys,time; signal.signal(signal.SIGINT, lambda *_: (time.sleep(0.6), sys.exit(0)))"
    with subprocess.Popen(
        [sys.executable, "-c", f"{server}; print('up', flush=True); time.sleep(30)"], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        # In a pod the server is process 1. Its end is reaped by its parent, which here is this test.
        script = interrupt_command(0)[2].replace(" 1", f" {process.pid}")
        assert shlex.split(script)[0] == "sleep"
        started = time.monotonic()
        hook = subprocess.Popen(["/bin/sh", "-c", script])
        assert process.wait(timeout=20) == 0
        assert hook.wait(timeout=20) == 0
        assert time.monotonic() - started >= 0.6
    assert process.returncode != -signal.SIGINT
