from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
import urllib3
from kubernetes import client

from testbed.controlplane.api import Object
from testbed.controlplane.commands import ExecRule
from testbed.controlplane.fixtures import parts_or_skip
from testbed.controlplane.processes import ProcessEndedError
from testbed.controlplane.rig import ControlPlane, NotBuiltError
from testbed.controlplane.waiting import WaitTimeoutError, wait_for
from testbed.programs import parts
from tests.testbed.test_processes import running

ROOT = Path(__file__).parents[2]

RESTRICTED: Object = {
    "runAsNonRoot": True,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


def item(api_version: str, kind: str, namespace: str | None, name: str, **fields: object) -> Object:
    metadata = {"name": name, "namespace": namespace} if namespace else {"name": name}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}


def pod_spec(**container: object) -> Object:
    return {"containers": [{"name": "main", "image": "program", **container}]}


def workload(kind: str, namespace: str, name: str, replicas: int = 1, **more: object) -> Object:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": pod_spec()}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template, **more}
    return item("apps/v1", kind, namespace, name, spec=spec)


def claim(namespace: str | None, name: str, size: str = "1Gi", **more: object) -> Object:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}, **more}
    return item("v1", "PersistentVolumeClaim", namespace, name, spec=spec)


def ingress(namespace: str, class_name: str) -> Object:
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    rule = {"host": "web.example.org", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    spec = {"ingressClassName": class_name, "rules": [rule]}
    return item("networking.k8s.io/v1", "Ingress", namespace, f"web-{class_name}", spec=spec)


@pytest.fixture
def rig_directory(tmp_path: Path) -> Path:
    parts_or_skip(*parts.RIG)
    return tmp_path / "rig"


def test_a_rig_without_parts_names_the_command_that_builds_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARCHESAI_PARTS_DIR", str(tmp_path))
    monkeypatch.setenv("K8S_VERSION", "1.34")
    with pytest.raises(NotBuiltError) as refusal:
        ControlPlane(tmp_path / "rig")
    command = "python -m testbed.programs build etcd kwok kubernetes-1.34"
    assert str(refusal.value) == f"not built: etcd kwok kubernetes-1.34; run: {command}"


@pytest.mark.cluster
def test_it_runs_the_chosen_version_with_nodes_in_three_zones(control_plane: ControlPlane) -> None:
    version = client.VersionApi(control_plane.client()).get_code()
    assert (version.git_version, version.major) == (f"v{control_plane.version}", "1")
    nodes = control_plane.api.list("v1", "Node")
    zones = [node["metadata"]["labels"]["topology.kubernetes.io/zone"] for node in nodes]
    assert sorted(zones) == ["zone-a", "zone-a", "zone-b", "zone-c"]


@pytest.mark.cluster
def test_workloads_run_and_jobs_complete(control_plane: ControlPlane, fresh_namespace: str) -> None:
    stateful = workload("StatefulSet", fresh_namespace, "db", 2, serviceName="db")
    stateful["spec"]["volumeClaimTemplates"] = [claim(None, "data")]
    job_spec = {"template": {"spec": {**pod_spec(), "restartPolicy": "Never"}}}
    objects = [
        workload("Deployment", fresh_namespace, "web", 3),
        stateful,
        item("batch/v1", "Job", fresh_namespace, "migrate", spec=job_spec),
    ]
    control_plane.apply(objects).check()
    web, db, _ = control_plane.wait_ready(*objects)
    assert web["status"]["availableReplicas"] == 3
    assert db["status"]["readyReplicas"] == 2
    claims = control_plane.api.list("v1", "PersistentVolumeClaim", fresh_namespace)
    assert {(one["metadata"]["name"], one["status"]["phase"]) for one in claims} == {
        ("data-db-0", "Bound"),
        ("data-db-1", "Bound"),
    }


@pytest.mark.cluster
def test_a_service_gets_the_addresses_of_its_pods(control_plane: ControlPlane, fresh_namespace: str) -> None:
    web = workload("Deployment", fresh_namespace, "web", 2)
    spec = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
    control_plane.apply([web, item("v1", "Service", fresh_namespace, "web", spec=spec)]).check()
    control_plane.wait_ready(web)
    pods = control_plane.api.list("v1", "Pod", fresh_namespace, labels="app=web")

    def endpoints() -> list[str]:
        slices = control_plane.api.list("discovery.k8s.io/v1", "EndpointSlice", fresh_namespace)
        addresses = {one["addresses"][0] for part in slices for one in part.get("endpoints") or []}
        return [] if addresses == {pod["status"]["podIP"] for pod in pods} else [f"only {addresses}"]

    control_plane.wait_for("endpoints of both pods", endpoints)


@pytest.mark.cluster
def test_a_restricted_namespace_refuses_a_pod_and_says_why(control_plane: ControlPlane, fresh_namespace: str) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    namespace = item("v1", "Namespace", None, fresh_namespace)
    namespace["metadata"]["labels"] = labels
    bad = item("v1", "Pod", fresh_namespace, "bad", spec=pod_spec())
    good = item("v1", "Pod", fresh_namespace, "good", spec=pod_spec(securityContext=RESTRICTED))
    outcome = control_plane.apply([namespace, bad, good])
    assert list(outcome.errors) == [f"Pod {fresh_namespace}/bad"]
    assert 'violates PodSecurity "restricted:latest": allowPrivilegeEscalation' in next(iter(outcome.errors.values()))
    control_plane.wait_ready(good)


@pytest.mark.cluster
def test_a_workload_a_restricted_namespace_would_refuse_draws_a_warning(
    control_plane: ControlPlane, fresh_namespace: str
) -> None:
    namespace = item("v1", "Namespace", None, fresh_namespace)
    namespace["metadata"]["labels"] = {"pod-security.kubernetes.io/warn": "restricted"}
    outcome = control_plane.apply([namespace, workload("Deployment", fresh_namespace, "web")]).check()
    (warning,) = outcome.warnings[f"Deployment {fresh_namespace}/web"]
    assert warning.startswith('would violate PodSecurity "restricted:latest": allowPrivilegeEscalation != false')


@pytest.mark.cluster
def test_a_misspelt_key_and_an_unknown_kind_are_refused_and_the_rest_is_applied(
    control_plane: ControlPlane, fresh_namespace: str
) -> None:
    misspelt = workload("Deployment", fresh_namespace, "web", replica=1)
    unknown = item("example.org/v1", "Widget", fresh_namespace, "w")
    fine = item("v1", "ConfigMap", fresh_namespace, "fine", data={"a": "b"})
    outcome = control_plane.apply([misspelt, unknown, fine])
    assert [one["metadata"]["name"] for one in outcome.results] == ["fine"]
    assert ".spec.replica: field not declared in schema" in outcome.errors[f"Deployment {fresh_namespace}/web"]
    with pytest.raises(
        AssertionError, match=r"2 of 3 objects were refused:\n- Deployment .*\n- Widget .*serves no Widget"
    ):
        outcome.check()


@pytest.mark.cluster
def test_a_dry_run_changes_nothing(control_plane: ControlPlane, fresh_namespace: str) -> None:
    config_map = item("v1", "ConfigMap", fresh_namespace, "ghost")
    control_plane.apply([config_map], dry_run=True).check()
    assert control_plane.api.read(config_map) is None


@pytest.mark.cluster
def test_custom_resources_are_checked_against_their_schema(
    control_plane: ControlPlane, fresh_namespace: str, custom_resources: list[Object]
) -> None:
    assert custom_resources
    monitor = item("monitoring.coreos.com/v1", "ServiceMonitor", fresh_namespace, "m")
    wrong = monitor | {"spec": {"selector": {}, "endpoints": [{"prot": "http"}]}}
    right = monitor | {"spec": {"selector": {}, "endpoints": [{"port": "http"}]}}
    assert ".spec.endpoints[0].prot: field not declared" in next(iter(control_plane.apply([wrong]).errors.values()))
    control_plane.apply([right]).check()


@pytest.mark.cluster
def test_exec_runs_the_command_for_real(control_plane: ControlPlane, fresh_namespace: str, tmp_path: Path) -> None:
    pod = item("v1", "Pod", fresh_namespace, "shell", spec=pod_spec())
    control_plane.apply([pod]).check()
    control_plane.wait_ready(pod)
    said = control_plane.exec(fresh_namespace, "shell", "sh", "-c", "echo here; echo there >&2")
    assert (said.returncode, said.stdout, said.stderr) == (0, "here\n", "there\n")
    failed = control_plane.exec(fresh_namespace, "shell", "sh", "-c", "exit 7")
    assert failed.returncode == 7
    assert "no-such-command" in control_plane.exec(fresh_namespace, "shell", "no-such-command").stderr

    try:
        control_plane.set_exec_rules(ExecRule({"GREETING": "hello"}, tmp_path, namespaces=[fresh_namespace]))
        said = control_plane.exec(fresh_namespace, "shell", "sh", "-c", "echo $GREETING; pwd")
        assert said.stdout == f"hello\n{tmp_path}\n"
    finally:
        control_plane.set_exec_rules(ExecRule())


@pytest.mark.cluster
def test_a_claim_grows_when_it_asks_for_more(control_plane: ControlPlane, fresh_namespace: str) -> None:
    small = claim(fresh_namespace, "data", "1Gi")
    control_plane.apply([small]).check()
    (bound,) = control_plane.wait_ready(small)
    volume = item("v1", "PersistentVolume", None, bound["spec"]["volumeName"])
    control_plane.apply([claim(fresh_namespace, "data", "3Gi")]).check()
    (grown,) = control_plane.wait_ready(small)
    assert grown["status"]["capacity"]["storage"] == "3Gi"
    (kept,) = control_plane.wait_ready(volume)
    assert kept["spec"]["capacity"]["storage"] == "3Gi"
    shrunk = control_plane.apply([claim(fresh_namespace, "data", "2Gi")])
    assert "Forbidden: field can not be less than" in next(iter(shrunk.errors.values()))


@pytest.mark.cluster
def test_a_deleted_claim_takes_its_volume_with_it(control_plane: ControlPlane, fresh_namespace: str) -> None:
    data = claim(fresh_namespace, "data")
    control_plane.apply([data]).check()
    (bound,) = control_plane.wait_ready(data)
    control_plane.api.delete(data)
    control_plane.wait_gone(data, item("v1", "PersistentVolume", None, bound["spec"]["volumeName"]))


@pytest.mark.cluster
def test_a_retained_volume_goes_to_the_claim_that_names_it(control_plane: ControlPlane, fresh_namespace: str) -> None:
    data = claim(fresh_namespace, "data")
    control_plane.apply([data]).check()
    (bound,) = control_plane.wait_ready(data)
    volume = item("v1", "PersistentVolume", None, bound["spec"]["volumeName"])
    control_plane.api.patch(volume, {"spec": {"persistentVolumeReclaimPolicy": "Retain"}})
    control_plane.api.delete(data)
    control_plane.wait_gone(data)
    again = claim(fresh_namespace, "again", volumeName=bound["spec"]["volumeName"])
    control_plane.apply([again]).check()
    (restored,) = control_plane.wait_ready(again)
    assert restored["spec"]["volumeName"] == bound["spec"]["volumeName"]
    control_plane.api.delete(volume)


@pytest.mark.cluster
def test_a_class_that_binds_late_waits_for_a_pod(control_plane: ControlPlane, fresh_namespace: str) -> None:
    late = item("storage.k8s.io/v1", "StorageClass", None, f"late-{fresh_namespace}")
    late |= {"provisioner": "tests/volumes", "volumeBindingMode": "WaitForFirstConsumer"}
    data = claim(fresh_namespace, "data", storageClassName=late["metadata"]["name"])
    early = claim(fresh_namespace, "early")
    control_plane.apply([late, data, early]).check()
    control_plane.wait_ready(early)
    assert (control_plane.api.read(data) or {})["status"]["phase"] == "Pending"
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
    pod = item("v1", "Pod", fresh_namespace, "reader", spec={**pod_spec(), "volumes": [volume]})
    control_plane.apply([pod]).check()
    control_plane.wait_ready(pod, data)
    control_plane.api.delete(late)


@pytest.mark.cluster
def test_ingresses_and_load_balancers_get_an_address_unless_switched_off(
    control_plane: ControlPlane, fresh_namespace: str
) -> None:
    balanced = item("v1", "Service", fresh_namespace, "web")
    balanced["spec"] = {"type": "LoadBalancer", "selector": {"app": "web"}, "ports": [{"port": 80}]}
    served, unserved = ingress(fresh_namespace, "nginx"), ingress(fresh_namespace, "other")
    control_plane.publish_addresses = False
    try:
        control_plane.apply([balanced, served, unserved]).check()
        with pytest.raises(WaitTimeoutError, match=r"- Service .*/web: no address\n- Ingress .*/web-nginx: no address"):
            control_plane.wait_ready(balanced, served, seconds=1)
    finally:
        control_plane.publish_addresses = True
    _, published = control_plane.wait_ready(balanced, served)
    assert published["status"]["loadBalancer"]["ingress"] == [{"ip": "127.0.0.1"}]
    assert not (control_plane.api.read(unserved) or {})["status"]["loadBalancer"]


@pytest.mark.cluster
def test_a_wait_that_fails_names_the_objects_and_the_reasons(control_plane: ControlPlane, fresh_namespace: str) -> None:
    greedy = workload("Deployment", fresh_namespace, "greedy")
    container = greedy["spec"]["template"]["spec"]["containers"][0]
    container["resources"] = {"requests": {"cpu": "1000"}}
    refused = workload("Deployment", fresh_namespace, "refused")
    refused["spec"]["template"]["spec"]["serviceAccountName"] = "nobody"
    absent = item("v1", "ConfigMap", fresh_namespace, "absent")
    control_plane.apply([greedy, refused]).check()
    with pytest.raises(WaitTimeoutError) as timeout:
        control_plane.wait_ready(greedy, refused, absent, seconds=4)
    message = str(timeout.value)
    assert message.startswith("3 objects ready: not so after 4 s\n")
    assert f"- Deployment {fresh_namespace}/greedy: availableReplicas 0, wanted 1" in message
    assert "PodScheduled=False: Unschedulable: 0/4 nodes are available: 4 Insufficient cpu" in message
    assert 'serviceaccount "nobody" not found' in message
    assert f"- ConfigMap {fresh_namespace}/absent: does not exist" in message


@pytest.mark.cluster
def test_users_see_what_their_roles_allow(control_plane: ControlPlane, fresh_namespace: str) -> None:
    viewer = control_plane.kubeconfig("viewer", ["readers"], cluster_roles=["view"])
    namespace = f"--namespace={fresh_namespace}"
    assert control_plane.kubectl("get", "namespaces", kubeconfig=viewer).returncode == 0
    assert control_plane.kubectl("get", "configmaps", namespace, kubeconfig=viewer).returncode == 0
    for forbidden in (["get", "secrets"], ["create", "configmap", "c"]):
        refused = control_plane.kubectl(*forbidden, namespace, kubeconfig=viewer)
        assert 'User "viewer" cannot' in refused.stderr
    who = control_plane.kubectl("auth", "whoami", "--output=json", kubeconfig=viewer)
    assert json.loads(who.stdout)["status"]["userInfo"]["groups"] == ["readers", "system:authenticated"]


@pytest.mark.cluster
def test_expired_and_unknown_users_are_not_let_in(control_plane: ControlPlane) -> None:
    for kubeconfig in (control_plane.kubeconfig("late", expired=True), control_plane.kubeconfig_with_token("stranger")):
        refused = control_plane.kubectl("get", "namespaces", kubeconfig=kubeconfig)
        assert refused.returncode == 1
        assert "You must be logged in to the server" in refused.stderr


@pytest.mark.cluster
def test_a_start_takes_seconds_and_a_stop_leaves_no_process(rig_directory: Path) -> None:
    begun = time.monotonic()
    with ControlPlane(rig_directory) as rig:
        took = time.monotonic() - begun
        pids = rig.pids()
        pod = item("v1", "Pod", "default", "sleeper", spec=pod_spec())
        rig.apply([pod]).check()
        rig.wait_ready(pod)
        with pytest.raises(subprocess.TimeoutExpired):
            rig.exec("default", "sleeper", "sh", "-c", f"echo $$ > {rig_directory}/inner; sleep 300", seconds=3)
        inner = int((rig_directory / "inner").read_text(encoding="utf-8"))
        assert len(running([*pids.values(), inner])) == 7
    assert not running([*pids.values(), inner])
    assert not (rig_directory / "etcd").exists()
    assert took < 45


@pytest.mark.cluster
def test_nothing_outlives_a_killed_test_process(rig_directory: Path) -> None:
    script = f"""
        import json, signal
        from pathlib import Path
        from testbed.controlplane.rig import ControlPlane

        with ControlPlane(Path({str(rig_directory)!r})) as rig:
            print(json.dumps(rig.pids()), flush=True)
            signal.pause()
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pids = json.loads(parent.stdout.readline())
        assert len(running(pids.values())) == 6
        parent.kill()
    wait_for("all ended", lambda: running(pids.values()), seconds=10)


@pytest.mark.cluster
def test_the_api_server_can_be_stopped_frozen_and_brought_back(rig_directory: Path) -> None:
    with ControlPlane(rig_directory) as rig:
        kept = item("v1", "ConfigMap", "default", "kept")
        rig.apply([kept]).check()
        rig.stop_apiserver()
        refused = rig.kubectl("get", "configmaps")
        assert "connection refused" in refused.stderr
        with pytest.raises(urllib3.exceptions.HTTPError):
            rig.apply([kept])
        rig.start_apiserver()
        assert rig.api.read(kept)

        rig.pause_apiserver()
        with pytest.raises(subprocess.TimeoutExpired):
            rig.kubectl("get", "configmaps", seconds=2)
        rig.resume_apiserver()

        after = [workload("Deployment", "default", "after"), claim("default", "after")]
        rig.apply(after).check()
        rig.wait_ready(*after)


@pytest.mark.cluster
def test_a_server_that_dies_is_named_with_its_log(rig_directory: Path) -> None:
    with ControlPlane(rig_directory) as rig:
        os.kill(rig.pids()["kube-apiserver"], signal.SIGKILL)
        with pytest.raises(ProcessEndedError, match=r"kube-apiserver ended with status -9:\n.+"):
            rig.wait_ready(item("v1", "ConfigMap", "default", "any"))


@pytest.mark.cluster
def test_a_rig_that_cannot_start_says_why_and_leaves_nothing(rig_directory: Path) -> None:
    rig = ControlPlane(rig_directory)
    (rig_directory / "etcd").write_text("in the way", encoding="utf-8")
    with pytest.raises(ProcessEndedError, match=r"etcd ended with status 1:(.|\n)*not a directory"):
        rig.start()
    assert not rig.pids()
