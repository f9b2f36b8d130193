"""Claims on storage."""

from __future__ import annotations

from pulumi_kubernetes.core.v1 import PersistentVolumeClaimSpecArgsDict


def claim_spec(size: str, storage_class: str | None) -> PersistentVolumeClaimSpecArgsDict:
    """One node's read-write claim on `size` (a Kubernetes quantity); no class means the cluster's default."""
    spec: PersistentVolumeClaimSpecArgsDict = {
        "access_modes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": size}},
    }
    if storage_class is not None:
        spec["storage_class_name"] = storage_class
    return spec
