"""The runbook of a full volume of Loki and Prometheus, followed on a real API server; Loki's with the real chart."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from typing import Any

import pytest

from archesai_infra.stack.evaluate import Evaluation
from testbed.controlplane.fixtures import parts_or_skip
from testbed.controlplane.rig import ControlPlane
from testbed.monitoring import charts
from testbed.monitoring.stacks import release
from testbed.stacks import ROOT, render

CLAIM = "storage-loki-0"
PROMETHEUS = "prometheus-kube-prometheus-stack-prometheus"
PROMETHEUS_CLAIM = f"{PROMETHEUS}-db-{PROMETHEUS}-0"
"""The operator names the template after the Prometheus, as Kubernetes names the claim after template and pod."""


def stack(size: str) -> Evaluation:
    return render({"monitoring": {"enabled": True, "logs": {"size": size}}})


def runbook() -> list[list[str]]:
    """The commands of kubectl that the runbook gives, Loki's before Prometheus', without their namespace."""
    section = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8").partition("### VolumeNearlyFull")[2]
    lines = re.findall(r"^ +kubectl -n monitoring (.*)$", section.partition("\n### ")[0], re.MULTILINE)
    return [shlex.split(line) for line in lines]


def install(rig: ControlPlane, evaluation: Evaluation, namespace: str) -> subprocess.CompletedProcess[str]:
    """Install or upgrade Loki with the values of a stack, as the release does, without waiting for its pod."""
    inputs = release(evaluation, "loki")
    path = charts.archive("loki", inputs["version"])
    values = inputs["values"] | {"monitoring": {"serviceMonitor": {"enabled": False}}}
    command = [str(parts_or_skip("helm")["helm"]), "upgrade", "--install", "loki", str(path), "--values", "-"]
    access = [f"--kubeconfig={rig.admin_kubeconfig}", f"--namespace={namespace}"]
    text = json.dumps(values)
    return subprocess.run([*command, *access], input=text, capture_output=True, text=True, check=False, timeout=120)


def test_the_runbook_grows_the_claim_and_takes_the_stateful_set_away() -> None:
    patch, delete, prometheus = runbook()
    assert patch[:3] == ["patch", "pvc", CLAIM]
    assert delete == ["delete", "statefulset", "loki", "--cascade=orphan"]
    assert prometheus[:3] == ["patch", "pvc", PROMETHEUS_CLAIM]


@pytest.mark.cluster
def test_lokis_volume_grows_by_the_runbook_and_not_by_its_size_alone(
    control_plane: ControlPlane, fresh_namespace: str
) -> None:
    assert install(control_plane, stack("20Gi"), fresh_namespace).returncode == 0
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": CLAIM, "namespace": fresh_namespace},
    }
    control_plane.wait_ready(claim)
    refused = install(control_plane, stack("40Gi"), fresh_namespace)
    assert "updates to statefulset spec" in refused.stderr
    *loki, _ = runbook()
    for command in loki:
        done = control_plane.kubectl(f"--namespace={fresh_namespace}", *command)
        assert done.returncode == 0, done.stderr
    grown = install(control_plane, stack("40Gi"), fresh_namespace)
    assert grown.returncode == 0, grown.stderr
    (current,) = control_plane.wait_ready(claim)
    assert current["spec"]["resources"]["requests"]["storage"] == "40Gi"
    shown = control_plane.kubectl("get", "statefulset", "loki", f"--namespace={fresh_namespace}", "--output=json")
    template = json.loads(shown.stdout)["spec"]["volumeClaimTemplates"][0]
    assert template["spec"]["resources"]["requests"]["storage"] == "40Gi"


def _claimed(namespace: str, size: str) -> dict[str, Any]:
    """The StatefulSet that the operator makes of a Prometheus, with what concerns its volume."""
    metrics = release(render({"monitoring": {"enabled": True, "metrics": {"size": size}}}), "kube-prometheus-stack")
    template = metrics["values"]["prometheus"]["prometheusSpec"]["storageSpec"]["volumeClaimTemplate"]
    labels = {"app.kubernetes.io/name": "prometheus"}
    container = {"name": "prometheus", "image": "quay.io/prometheus/prometheus:v3"}
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": PROMETHEUS, "namespace": namespace},
        "spec": {
            "serviceName": "prometheus-operated",
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
            "volumeClaimTemplates": [{"metadata": {"name": f"{PROMETHEUS}-db"}, **template}],
        },
    }


@pytest.mark.cluster
def test_prometheus_volume_grows_by_the_runbook_and_is_taken_over_by_the_replaced_stateful_set(
    control_plane: ControlPlane, fresh_namespace: str
) -> None:
    """The operator's part is done here: it deletes the StatefulSet in the foreground and makes the new one.

    https://github.com/prometheus-operator/prometheus-operator/blob/v0.93.1/pkg/k8s/statefulset.go
    """
    old, new = (_claimed(fresh_namespace, size) for size in ("20Gi", "40Gi"))
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": PROMETHEUS_CLAIM, "namespace": fresh_namespace},
    }
    control_plane.apply([old]).check()
    (before,) = control_plane.wait_ready(claim)
    assert "updates to statefulset spec" in str(control_plane.apply([new]).errors)
    grow = runbook()[-1]
    done = control_plane.kubectl(f"--namespace={fresh_namespace}", *grow)
    assert done.returncode == 0, done.stderr
    where = f"--namespace={fresh_namespace}"
    gone = control_plane.kubectl("delete", "statefulset", PROMETHEUS, "--cascade=foreground", where)
    assert gone.returncode == 0, gone.stderr
    control_plane.apply([new]).check()
    (after,) = control_plane.wait_ready(claim)
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["spec"]["volumeName"] == before["spec"]["volumeName"]
    assert after["status"]["capacity"]["storage"] == "40Gi"
