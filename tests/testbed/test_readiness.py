from __future__ import annotations

import pytest

from testbed.controlplane.api import ApiError, Object, label, warning_text
from testbed.controlplane.readiness import lack

RUNNING = {"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2, "readyReplicas": 2}


def thing(kind: str, status: Object, **spec: object) -> Object:
    return {"kind": kind, "metadata": {"name": "it", "generation": 2}, "spec": spec, "status": status}


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (thing("Deployment", RUNNING, replicas=2), None),
        (thing("Deployment", {}, replicas=0), "no controller has looked at it yet"),
        (thing("Deployment", {"observedGeneration": 2}, replicas=0), None),
        (thing("Deployment", RUNNING | {"observedGeneration": 1}), "its controller has not seen the last change"),
        (thing("Deployment", RUNNING | {"replicas": 3}, replicas=2), "replicas 3, wanted 2"),
        (thing("StatefulSet", RUNNING | {"readyReplicas": 1}, replicas=2), "readyReplicas 1, wanted 2"),
        (
            thing("StatefulSet", RUNNING | {"currentRevision": "a", "updateRevision": "b"}, replicas=2),
            "2 of 2 pods updated",
        ),
        (thing("DaemonSet", {}), "updatedNumberScheduled 0, wanted None"),
        (thing("Job", {"conditions": [{"type": "Complete", "status": "True"}]}), None),
        (
            thing(
                "Job", {"conditions": [{"type": "Failed", "status": "True", "reason": "Late", "message": "too slow"}]}
            ),
            "failed: Late: too slow",
        ),
        (thing("Pod", {"phase": "Succeeded"}), None),
        (thing("Pod", {"phase": "Running"}), "phase Running, not Ready"),
        (thing("PersistentVolumeClaim", {"phase": "Pending"}), "phase Pending"),
        (
            thing(
                "PersistentVolumeClaim",
                {"phase": "Bound", "capacity": {"storage": "1Gi"}},
                resources={"requests": {"storage": "1025Mi"}},
            ),
            "1Gi large, wanted 1025Mi",
        ),
        (thing("Service", {}, type="ClusterIP"), None),
        (thing("Service", {}, type="LoadBalancer"), "no address"),
        (thing("CustomResourceDefinition", {}), "not Established"),
        (thing("ConfigMap", {}), None),
    ],
)
def test_an_object_says_what_it_lacks(item: Object, reason: str | None) -> None:
    assert lack(item) == reason


def test_a_warning_header_yields_its_text() -> None:
    assert warning_text('299 - "unknown field \\"spec.replica\\""') == 'unknown field "spec.replica"'
    assert warning_text("not a warning") == "not a warning"


def test_an_object_is_named_by_kind_namespace_and_name() -> None:
    assert label({"kind": "Pod", "metadata": {"namespace": "shop", "name": "web"}}) == "Pod shop/web"
    assert label({"kind": "Node", "metadata": {"name": "n"}}) == "Node n"


def test_a_refusal_reads_as_one_line() -> None:
    assert str(ApiError(403, "Forbidden", "no")) == "403 Forbidden: no"
    assert str(ApiError(502, "", "bad gateway")) == "502: bad gateway"
