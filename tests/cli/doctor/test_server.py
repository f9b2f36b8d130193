"""Made faults on a real control plane: each must be named, with its cure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from archesai_infra.cli.base.cluster import ClusterError
from archesai_infra.cli.base.kubeconfig import connect
from archesai_infra.cli.doctor.report import Finding
from archesai_infra.cli.doctor.server import DEFAULT_CLASS, Examination, examine
from archesai_infra.stack.evaluate import evaluate
from testbed.controlplane import fleet
from testbed.controlplane.commands import ExecRule
from testbed.controlplane.fixtures import parts_or_skip
from testbed.controlplane.rig import ControlPlane
from testbed.programs import parts
from testbed.stacks import DEVELOPMENT, Config, raw, render

pytestmark = pytest.mark.cluster

NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "archesai"}}


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    parts_or_skip(*parts.RIG)
    with ControlPlane(tmp_path_factory.mktemp("doctor")) as running:
        yield running


def _doctor(
    rig: ControlPlane, config: Config | None = None, *, kubeconfig: Path | None = None, ahead: timedelta = timedelta()
) -> list[Finding]:
    with connect(None, str(kubeconfig or rig.admin_kubeconfig)) as cluster:
        return list(examine(Examination(cluster, render(config), datetime.now(UTC) + ahead)))


def _said(found: list[Finding], check: str) -> tuple[str, str, str]:
    [finding] = [item for item in found if item.check == check]
    return finding.status, finding.text, finding.cure


def test_a_sound_cluster_has_no_problem(rig: ControlPlane) -> None:
    found = _doctor(rig)
    assert [item for item in found if item.status in ("problem", "warning")] == []
    assert {item.check for item in found if item.status == "ok"} >= {
        "server version", "clock", "namespace", "permissions", "kinds", "storage class", "dns",
    }  # fmt: skip


def test_fault_1_a_context_that_does_not_exist(rig: ControlPlane) -> None:
    with pytest.raises(ClusterError, match=r"has no context nope; it has control-plane; set cluster\.context"):
        connect("nope", str(rig.admin_kubeconfig))


def test_fault_2_an_expired_login(rig: ControlPlane) -> None:
    late = connect(None, str(rig.kubeconfig("late", expired=True)))
    with (
        late as cluster,
        pytest.raises(ClusterError, match="does not accept the credentials; it may have expired: log in again"),
    ):
        cluster.get("/api/v1")


def test_fault_3_a_user_who_may_only_read(rig: ControlPlane) -> None:
    found = _doctor(rig, kubeconfig=rig.kubeconfig("reader", cluster_roles=["view"]))
    status, text, cure = _said(found, "permissions")
    assert status == "problem"
    assert re.fullmatch(r"the user may not get [\w., ]+; create, patch, delete any of the \d+ kinds", text), text
    assert "secrets" in text
    assert "deployments.apps" not in text
    assert "cluster-admin" in cure


def test_a_user_without_any_right_is_told_so_in_one_short_line(rig: ControlPlane) -> None:
    status, text, _ = _said(_doctor(rig, kubeconfig=rig.kubeconfig("stranger")), "permissions")
    assert status == "problem"
    assert re.fullmatch(r"the user may not get, create, patch, delete any of the \d+ kinds", text), text


def test_fault_4_no_default_storage_class(rig: ControlPlane) -> None:
    standard = fleet.storage_class(fleet.STORAGE_CLASS, reclaim="Delete", binding="Immediate", default=True)
    rig.api.patch(standard, {"metadata": {"annotations": {DEFAULT_CLASS: "false"}}})
    try:
        status, text, cure = _said(_doctor(rig), "storage class")
    finally:
        rig.api.patch(standard, {"metadata": {"annotations": {DEFAULT_CLASS: "true"}}})
    assert (status, text) == ("problem", f"no StorageClass is the default; there are {fleet.STORAGE_CLASS}")
    assert "kubectl annotate storageclass" in cure


def test_fault_5_a_storage_class_that_does_not_exist(rig: ControlPlane) -> None:
    status, text, cure = _said(_doctor(rig, {"database": {"storageClass": "fast"}}), "storage class")
    assert (status, text) == ("problem", f"there is no StorageClass fast; there are {fleet.STORAGE_CLASS}")
    assert cure == "correct <module>.storageClass"


def test_fault_6_an_ingress_class_that_nobody_serves(rig: ControlPlane) -> None:
    found = _doctor(rig, {"ingress": {"enabled": True, "className": "haproxy", "controller": {"namespace": "edge"}}})
    status, text, cure = _said(found, "ingress class")
    assert (status, text) == ("problem", f"there is no IngressClass haproxy; there are {fleet.INGRESS_CLASS}")
    assert "ingress.controller.install" in cure


def test_fault_7_definitions_that_nothing_installs(rig: ControlPlane) -> None:
    issuer: dict[str, Any] = {
        "enabled": True,
        "tls": {"enabled": True, "issuer": "letsencrypt-staging"},
        "clusterIssuer": {"create": True, "email": "ops@example.com"},
    }
    status, text, cure = _said(_doctor(rig, {"ingress": issuer}), "kinds")
    assert (status, text) == ("problem", "the server does not know ClusterIssuer of cert-manager.io")
    assert "ingress.certManager.install" in cure
    brought = issuer | {"certManager": {"install": True}}
    assert _said(_doctor(rig, {"ingress": brought}), "kinds")[0] == "ok"
    cilium: dict[str, Any] = {"api": {"kubernetesAccess": True}, "cluster": {"cilium": True}}
    status, text, cure = _said(_doctor(rig, cilium), "kinds")
    assert (status, text) == ("problem", "the server does not know CiliumNetworkPolicy of cilium.io")
    assert "set cluster.cilium to false" in cure


def test_fault_8_autoscaling_without_figures(rig: ControlPlane) -> None:
    status, text, cure = _said(_doctor(rig, {"api": {"autoscaling": {"enabled": True}}}), "metrics server")
    assert (status, "autoscalers never scale" in text) == ("problem", True)
    assert "install metrics-server" in cure


def test_fault_9_a_name_server_with_other_labels(rig: ControlPlane) -> None:
    peers = [{"namespace": "kube-system", "podLabels": {"app": "node-dns"}}]
    found = _doctor(rig, {"security": {"dns": {"peers": peers, "cidrs": []}}})
    status, text, cure = _said(found, "dns")
    assert (status, "k8s-app=kube-dns" in text) == ("problem", True)
    assert "{peers: [{namespace: kube-system, podLabels: {app: node-dns}}, " in cure
    assert "{namespace: kube-system, podLabels: {k8s-app: kube-dns}}]" in cure


def test_fault_9_a_name_server_on_another_port(rig: ControlPlane) -> None:
    status, text, cure = _said(_doctor(rig, {"security": {"dns": {"ports": [5353]}}}), "dns")
    assert (status, text) == ("problem", "DNS pods listen on 53, which no policy allows")
    assert cure.endswith("dns: {ports: [53, 5353]}")


def test_fault_9_a_cache_on_the_nodes_at_an_address_of_its_own(rig: ControlPlane) -> None:
    labels = {"k8s-app": "nodelocaldns"}
    container = {"name": "cache", "image": "cache", "args": ["-localip", "169.254.99.9,169.254.20.10", "-conf", "/x"]}
    daemon = {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "nodelocaldns", "namespace": "kube-system"},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }
    rig.apply([daemon]).check()
    try:
        status, text, cure = _said(_doctor(rig), "dns")
    finally:
        rig.api.delete(daemon)
    assert (status, text) == ("problem", "pods ask 169.254.99.9, no pod is behind it, and no policy allows it")
    assert cure.endswith(", 169.254.99.9/32]}")


def test_fault_10_secrets_that_others_were_to_make(rig: ControlPlane) -> None:
    rig.apply([NAMESPACE]).check()
    config = {"database": {"existingSecret": "db"}}
    missing = _said(_doctor(rig, config), "existing secrets")
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": "archesai"}}
    rig.apply([secret | {"stringData": {"DATABASE_URL": "made-up"}}]).check()
    try:
        incomplete = _said(_doctor(rig, config), "existing secrets")
    finally:
        rig.api.delete(secret)
    assert missing[:2] == ("problem", "namespace archesai has no Secret db")
    assert incomplete[:2] == ("problem", "Secret archesai/db lacks POSTGRES_PASSWORD")


def test_fault_11_a_pod_that_does_not_get_its_image(rig: ControlPlane) -> None:
    rig.apply([NAMESPACE]).check()
    container = {"name": "api", "image": "ghcr.io/archesai/api:none"}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "stuck", "namespace": "archesai"},
        # No node takes it, so nothing but this test writes its status.
        "spec": {"containers": [container], "nodeSelector": {"none": "such"}},
    }
    rig.wait_for("the default service account", lambda: _refusals(rig, pod))
    waiting = {"waiting": {"reason": "ImagePullBackOff"}}
    state = container | {"imageID": "", "ready": False, "restartCount": 0, "state": waiting}
    rig.api.patch(pod, {"status": {"containerStatuses": [state]}}, status=True)
    try:
        status, text, cure = _said(_doctor(rig), "image pulls")
    finally:
        rig.api.delete(pod)
    assert (status, text) == ("problem", "ghcr.io/archesai/api:none: ImagePullBackOff")
    assert "registryPassword" in cure


def _refusals(rig: ControlPlane, item: dict[str, Any]) -> list[str]:
    return list(rig.apply([item]).errors.values())


def test_fault_12_a_clock_that_is_wrong(rig: ControlPlane) -> None:
    status, text, cure = _said(_doctor(rig, ahead=timedelta(minutes=10)), "clock")
    assert (status, cure) == ("warning", "set the clock (NTP)")
    assert text.startswith("this machine and the server differ by ")


def test_fault_13_a_namespace_of_another_stack(rig: ControlPlane) -> None:
    metadata = {"name": "taken", "labels": {"app.kubernetes.io/instance": "staging"}}
    taken: dict[str, Any] = NAMESPACE | {"metadata": metadata}
    rig.apply([taken]).check()
    status, text, cure = _said(_doctor(rig, {"namespace": "taken"}), "namespace")
    assert (status, text) == ("problem", "taken belongs to stack staging")
    assert "arches config set namespace" in cure


def test_fault_14_a_server_that_is_down(rig: ControlPlane) -> None:
    cluster = connect(None, str(rig.admin_kubeconfig))
    rig.stop_apiserver()
    try:
        with pytest.raises(ClusterError, match=r"cannot be reached .*start the cluster"):
            cluster.get("/api/v1")
    finally:
        rig.start_apiserver()


def test_fault_15_gitops_without_argo_cd(rig: ControlPlane) -> None:
    repository = {"enabled": True, "repoUrl": "https://git.example.com/arches.git"}
    config = {"gitops": repository, "database": {"existingSecret": "db"}, "api": {"existingSecret": "api"}}
    with connect(None, str(rig.admin_kubeconfig)) as cluster:
        evaluation = evaluate(raw(DEVELOPMENT | config))
        found = list(examine(Examination(cluster, evaluation, datetime.now(UTC))))
    status, text, cure = _said(found, "argo cd")
    assert (status, text) == ("problem", "the server does not know Application of argoproj.io")
    assert "gitops.enabled to false" in cure
    assert _said(found, "kinds")[0] == "ok"


KNOWN_CHARTS: Config = DEVELOPMENT | {"monitoring": {"enabled": True}}


def test_addresses_of_the_api_server_are_asked_for_where_charts_pods_are_not_closed_outward(rig: ControlPlane) -> None:
    assert _said(_doctor(rig), "api server")[0] == "skipped"
    status, text, cure = _said(_doctor(rig, KNOWN_CHARTS), "api server")
    assert (status, text) == (
        "warning",
        "its addresses are not set, so that pods in monitoring may connect to everything",
    )
    service = rig.api.get("v1", "Service", "kubernetes")["spec"]["clusterIP"]
    assert f'"{service}/32"' in cure
    listed = json.loads(cure.partition("'")[2].partition("'")[0])
    found = _doctor(rig, KNOWN_CHARTS | {"cluster": {"apiServer": listed}})
    assert [item.status for item in found if item.check == "api server"][-1] == "ok"


def test_an_address_of_the_api_server_that_is_not_listed_is_a_problem(rig: ControlPlane) -> None:
    found = _doctor(rig, KNOWN_CHARTS | {"cluster": {"apiServer": ["192.0.2.1/32"]}})
    last = [item for item in found if item.check == "api server"][-1]
    assert last.status == "problem"
    assert "pods do not reach it" in last.text


@pytest.mark.parametrize(("status", "outcome"), [(0, "ok"), (2, "warning")])
def test_a_name_is_resolved_from_a_pod_under_the_stacks_policies(
    status: int, outcome: str, rig: ControlPlane, tmp_path: Path
) -> None:
    for program in ("getent", "nslookup"):
        (tmp_path / program).write_text(f"#!/bin/sh\nexit {status}\n", encoding="utf-8")
        (tmp_path / program).chmod(0o755)
    objects = render().objects
    wanted = [
        item for item in objects if item["metadata"]["name"] in ("archesai-dns", "archesai-redis", "archesai-api")
    ]
    kept = [item for item in wanted if item["kind"] in ("NetworkPolicy", "ServiceAccount", "Deployment")]
    rig.apply([NAMESPACE, *kept]).check()
    rig.wait_ready(*(item for item in kept if item["kind"] == "Deployment"))
    rig.set_exec_rules(ExecRule(env={"PATH": f"{tmp_path}:/usr/bin:/bin"}))
    try:
        found = _said(_doctor(rig), "name from a pod")
    finally:
        rig.set_exec_rules(ExecRule())
        for item in kept:
            rig.api.delete(item)
    assert found[0] == outcome
    assert ("does not resolve" in found[1], "archesai-dns" in found[2]) == (outcome == "warning", outcome == "warning")
