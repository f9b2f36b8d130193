"""A stand-in for a storage driver: makes, grows, frees and deletes volumes."""

from __future__ import annotations

from typing import Protocol

from kubernetes.utils import parse_quantity

from testbed.controlplane.api import Api, Object

PROVISIONER = "tests/volumes"
_PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
_SELECTED_NODE = "volume.kubernetes.io/selected-node"


class Backing(Protocol):
    """What is behind the volumes."""

    def source(self, name: str) -> Object:
        """The part of a volume's specification that says where its data is; called once before the volume is made."""
        ...

    def discard(self, name: str) -> None:
        """Forget the data of a volume that is deleted."""
        ...


class Nothing:
    """Volumes that exist only as objects: nothing ever reads their path."""

    def source(self, name: str) -> Object:
        return {"hostPath": {"path": f"/nonexistent/{name}"}}

    def discard(self, name: str) -> None:
        """There is nothing to forget."""


NOTHING = Nothing()


def serve_claims(api: Api, backing: Backing = NOTHING) -> None:
    """One pass over all claims and volumes, doing what a provisioner and a resizer would do next."""
    classes = {one["metadata"]["name"]: one for one in api.list("storage.k8s.io/v1", "StorageClass")}
    volumes = {one["metadata"]["name"]: one for one in api.list("v1", "PersistentVolume")}
    claims = api.list("v1", "PersistentVolumeClaim")
    for claim in claims:
        phase = claim.get("status", {}).get("phase")
        volume = volumes.get(claim["spec"].get("volumeName", ""))
        storage_class = classes.get(claim["spec"].get("storageClassName", ""))
        if phase == "Bound" and volume:
            _grow(api, claim, volume)
        elif phase == "Pending" and volume:
            _free(api, claim, volume)
        elif phase == "Pending" and storage_class and _is_wanted(claim, storage_class):
            name = volume_name(claim)
            if name not in volumes:
                api.create(volume_for(claim, storage_class, backing))
    named = {claim["spec"].get("volumeName") for claim in claims}
    for name in volumes.keys() - named:
        _reclaim(api, volumes[name], backing)


def volume_name(claim: Object) -> str:
    return f"pvc-{claim['metadata']['uid']}"


def volume_for(claim: Object, storage_class: Object, backing: Backing = NOTHING) -> Object:
    """A volume reserved for this claim."""
    spec = claim["spec"]
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": volume_name(claim), "annotations": {_PROVISIONED_BY: PROVISIONER}},
        "spec": {
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
            "accessModes": spec["accessModes"],
            "volumeMode": spec.get("volumeMode", "Filesystem"),
            "storageClassName": spec["storageClassName"],
            "persistentVolumeReclaimPolicy": storage_class["reclaimPolicy"],
            **backing.source(volume_name(claim)),
            "claimRef": _reference(claim),
        },
    }


def _reference(claim: Object) -> Object:
    metadata = claim["metadata"]
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "uid": metadata["uid"],
    }


def _is_wanted(claim: Object, storage_class: Object) -> bool:
    """Whether the claim waits for our volume: in a class that binds late, only once the scheduler chose a node."""
    if storage_class["provisioner"] != PROVISIONER or claim["spec"].get("volumeName"):
        return False
    annotations = claim["metadata"].get("annotations", {})
    return storage_class.get("volumeBindingMode") != "WaitForFirstConsumer" or _SELECTED_NODE in annotations


def _grow(api: Api, claim: Object, volume: Object) -> None:
    """Give a bound claim the size it asks for, the volume first, as a CSI resizer does."""
    wanted = claim["spec"]["resources"]["requests"]["storage"]
    if parse_quantity(volume["spec"]["capacity"]["storage"]) < parse_quantity(wanted):
        api.patch(volume, {"spec": {"capacity": {"storage": wanted}}})
    size = claim["status"].get("capacity", {}).get("storage", "0")
    if parse_quantity(size) < parse_quantity(wanted):
        api.patch(claim, {"status": {"capacity": {"storage": wanted}, "conditions": None}}, status=True)


def _free(api: Api, claim: Object, volume: Object) -> None:
    """Let a claim that names a volume have it, though the volume still remembers a claim that is gone."""
    if volume.get("status", {}).get("phase") == "Released":
        api.patch(volume, {"spec": {"claimRef": _reference(claim) | {"resourceVersion": None}}})


def _reclaim(api: Api, volume: Object, backing: Backing) -> None:
    """Delete what a deleted claim left behind, where its class says so."""
    ours = volume["metadata"].get("annotations", {}).get(_PROVISIONED_BY) == PROVISIONER
    released = volume.get("status", {}).get("phase") == "Released"
    if ours and released and volume["spec"]["persistentVolumeReclaimPolicy"] == "Delete":
        api.delete(volume)
        backing.discard(volume["metadata"]["name"])
