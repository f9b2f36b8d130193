"""What the operator CloudNativePG would report of its objects, set by hand: no operator runs on the control plane."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager

import urllib3

from testbed.controlplane.api import ApiError, Object
from testbed.controlplane.rig import ControlPlane

API = "postgresql.cnpg.io/v1"
_INTERVAL_SECONDS = 0.5
_HEALTHY = "Cluster in healthy state"


@contextmanager
def reported(rig: ControlPlane, namespace: str) -> Generator[None]:
    """Every Cluster of a namespace is ready with a claim that it owns, and every Pooler has its pods, meanwhile."""
    ending = threading.Event()
    thread = threading.Thread(target=_report, args=(rig, namespace, ending), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()


def _report(rig: ControlPlane, namespace: str, ending: threading.Event) -> None:
    while not ending.wait(_INTERVAL_SECONDS):
        try:
            for cluster in rig.api.list(API, "Cluster", namespace):
                _ready(rig, cluster)
            for pooler in rig.api.list(API, "Pooler", namespace):
                rig.api.patch(pooler, {"status": {"instances": pooler["spec"]["instances"]}}, status=True)
        except (ApiError, urllib3.exceptions.HTTPError):
            # Objects go between look and act: the next pass sees what is true then.
            continue


def _ready(rig: ControlPlane, cluster: Object) -> None:
    metadata, wanted = cluster["metadata"], cluster["spec"]["instances"]
    if "deletionTimestamp" in metadata or cluster.get("status", {}).get("readyInstances") == wanted:
        return
    owner = {"apiVersion": API, "kind": "Cluster", "name": metadata["name"], "uid": metadata["uid"], "controller": True}
    claim: Object = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": f"{metadata['name']}-1",
            "namespace": metadata["namespace"],
            "labels": {"cnpg.io/cluster": metadata["name"]},
            "ownerReferences": [owner],
        },
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    if rig.api.read(claim) is None:
        rig.api.create(claim)
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "ClusterIsReady",
        "message": "set by hand",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    status = {"phase": _HEALTHY, "readyInstances": wanted, "currentPrimary": f"{metadata['name']}-1"}
    rig.api.patch(cluster, {"status": status | {"conditions": [ready]}}, status=True)
