"""Volumes of pods, with the modes that the kubelet gives their files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.core.v1 import VolumeArgsDict, VolumeMountArgsDict


@dataclass(frozen=True)
class Mount:
    """A volume together with the place where a container sees it."""

    name: str
    path: str
    volume: VolumeArgsDict
    sub_path: str | None = None
    read_only: bool = False


def scratch(name: str, path: str, size: str, *, memory: bool = False) -> Mount:
    """An empty volume with a bound (a Kubernetes quantity); `memory` keeps it off the disk and counts it as memory."""
    volume: VolumeArgsDict = {"name": name, "empty_dir": {"size_limit": size}}
    if memory:
        volume = {"name": name, "empty_dir": {"size_limit": size, "medium": "Memory"}}
    return Mount(name, path, volume)


def config_files(name: str, path: str, config_map: pulumi.Input[str], *, sub_path: str | None = None) -> Mount:
    """The keys of a ConfigMap as files."""
    volume: VolumeArgsDict = {"name": name, "config_map": {"name": config_map, "default_mode": 0o444}}
    return Mount(name, path, volume, sub_path=sub_path, read_only=True)


def secret_files(name: str, path: str, secret: pulumi.Input[str], keys: Sequence[str]) -> Mount:
    """Some keys of a Secret as files that only the pod's own user and group read."""
    volume: VolumeArgsDict = {
        "name": name,
        "secret": {
            "secret_name": secret,
            "default_mode": 0o440,
            "items": [{"key": key, "path": key} for key in keys],
        },
    }
    return Mount(name, path, volume, read_only=True)


def secret_file(name: str, path: str, secret: pulumi.Input[str], key: str, file: str) -> Mount:
    """One key of a Secret as a file of another name, which only the pod's own user and group read."""
    volume: VolumeArgsDict = {
        "name": name,
        "secret": {"secret_name": secret, "default_mode": 0o440, "items": [{"key": key, "path": file}]},
    }
    return Mount(name, path, volume, read_only=True)


def config_file(name: str, path: str, config_map: pulumi.Input[str], key: str, file: str) -> Mount:
    """One key of a ConfigMap as a file of another name."""
    volume: VolumeArgsDict = {
        "name": name,
        "config_map": {"name": config_map, "default_mode": 0o444, "items": [{"key": key, "path": file}]},
    }
    return Mount(name, path, volume, read_only=True)


def projected_secrets(name: str, path: str, sources: Sequence[tuple[pulumi.Input[str], Mapping[str, str]]]) -> Mount:
    """Keys of several Secrets in one directory: each Secret with the file of each of its keys."""
    volume: VolumeArgsDict = {
        "name": name,
        "projected": {
            "default_mode": 0o440,
            "sources": [
                {"secret": {"name": secret, "items": [{"key": key, "path": file} for key, file in files.items()]}}
                for secret, files in sources
            ],
        },
    }
    return Mount(name, path, volume, read_only=True)


def claim(name: str, path: str, claim_name: pulumi.Input[str]) -> Mount:
    """A PersistentVolumeClaim."""
    return Mount(name, path, {"name": name, "persistent_volume_claim": {"claim_name": claim_name}})


def volume_mount(mount: Mount) -> VolumeMountArgsDict:
    """The place, as a container names it."""
    built: VolumeMountArgsDict = {"name": mount.name, "mount_path": mount.path}
    if mount.sub_path:
        built["sub_path"] = mount.sub_path
    if mount.read_only:
        built["read_only"] = True
    return built
