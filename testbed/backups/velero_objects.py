"""What Velero's chart makes of the program's values, as far as the server needs it."""

from __future__ import annotations

from typing import Any

from archesai_infra.components.backups import rights, velero
from archesai_infra.stack.evaluate import Evaluation
from testbed.backups.object_store import ObjectStore
from testbed.controlplane.api import Object


def values(evaluation: Evaluation) -> dict[str, Any]:
    """The values of the chart."""
    return next(one.inputs["values"] for one in evaluation.releases if one.inputs["name"] == velero.RELEASE)


def velero_objects(evaluation: Evaluation, store: ObjectStore) -> list[Object]:
    """The credentials, the workloads and the place of the backups."""
    location = values(evaluation)["configuration"]["backupStorageLocation"][0]
    cloud = f"[default]\naws_access_key_id = {store.access_key}\naws_secret_access_key = {store.secret_key}\n"
    secret = {"name": "cloud-credentials", "namespace": "velero"}
    spec = {
        "provider": location["provider"],
        "default": location["default"],
        "credential": location["credential"],
        "objectStorage": {"bucket": location["bucket"], "prefix": location["prefix"]},
        "config": location["config"],
    }
    account = {"name": rights.ACCOUNT, "namespace": "velero"}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account},
        {"apiVersion": "v1", "kind": "Secret", "metadata": secret, "stringData": {"cloud": cloud}},
        _workload("Deployment", "velero", {"name": "velero"}),
        _workload("DaemonSet", "node-agent", {"name": "node-agent", "role": "node-agent"}),
        {
            "apiVersion": "velero.io/v1",
            "kind": "BackupStorageLocation",
            "metadata": {"name": location["name"], "namespace": "velero"},
            "spec": spec,
        },
    ]


def _workload(kind: str, name: str, labels: dict[str, str]) -> Object:
    pod = {"containers": [{"name": name, "image": name}]}
    spec: Object = {
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, "namespace": "velero"}, "spec": spec}
