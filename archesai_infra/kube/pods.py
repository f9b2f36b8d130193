"""Pods that pass Pod Security `restricted`, whatever runs in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import pulumi
from pulumi_kubernetes.core.v1 import (
    AffinityArgsDict,
    ContainerArgsDict,
    EnvVarArgsDict,
    LifecycleArgsDict,
    PodAffinityTermArgsDict,
    PodSecurityContextArgsDict,
    PodSpecArgsDict,
    ResourceRequirementsArgsDict,
    SecurityContextArgsDict,
    TolerationArgsDict,
    TopologySpreadConstraintArgsDict,
    WeightedPodAffinityTermArgsDict,
)

from archesai_infra.kube.images import image_pull_policy
from archesai_infra.kube.labels import selector
from archesai_infra.kube.probes import Probes
from archesai_infra.kube.volumes import Mount, volume_mount

Apart = Literal["required", "preferred"]
"""Whether pods of one component must be on different nodes, or should be."""
UNPRIVILEGED_ID = 10001
"""User and group of images that take any id: above 10000, so that no id of a node's own users is met."""


@dataclass(frozen=True)
class SecretKey:
    """One key of a Secret, as a pod refers to it; the value itself never passes through here."""

    name: pulumi.Input[str]
    key: str


@dataclass(frozen=True)
class Placement:
    """Where pods may run, as the stack file says."""

    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: Sequence[Mapping[str, str | int]] = ()
    priority_class: str | None = None


def environment(plain: Mapping[str, pulumi.Input[str]], secret: Mapping[str, SecretKey]) -> list[EnvVarArgsDict]:
    """Environment variables by name: plain values, then references to Secrets."""
    references: list[EnvVarArgsDict] = [
        {"name": name, "value_from": {"secret_key_ref": {"name": ref.name, "key": ref.key}}}
        for name, ref in secret.items()
    ]
    return [*({"name": name, "value": value} for name, value in plain.items()), *references]


def container_security(*, read_only_root: bool = True) -> SecurityContextArgsDict:
    """No privileges, no capabilities, and a root file system nobody writes to."""
    return {
        "allow_privilege_escalation": False,
        "read_only_root_filesystem": read_only_root,
        "capabilities": {"drop": ["ALL"]},
    }


def pod_security(uid: int = UNPRIVILEGED_ID, gid: int = UNPRIVILEGED_ID) -> PodSecurityContextArgsDict:
    """A numeric, unprivileged user whose group owns the volumes.

    Ownership is only walked when the volume's root is wrong: PostgreSQL refuses a data directory that was made
    group-writable (kubelet's walk ORs 0660 into every entry).
    """
    return {
        "run_as_non_root": True,
        "run_as_user": uid,
        "run_as_group": gid,
        "fs_group": gid,
        "fs_group_change_policy": "OnRootMismatch",
        "seccomp_profile": {"type": "RuntimeDefault"},
    }


def container(
    *,
    name: str,
    image: str,
    pull_policy: str | None,
    resources: ResourceRequirementsArgsDict,
    mounts: Sequence[Mount] = (),
    command: Sequence[str] = (),
    args: Sequence[str] = (),
    env: Sequence[EnvVarArgsDict] = (),
    ports: Mapping[str, int] | None = None,
    probes: Probes | None = None,
    lifecycle: LifecycleArgsDict | None = None,
    read_only_root: bool = True,
) -> ContainerArgsDict:
    """A container; what is left out here stays out of the manifest."""
    built: ContainerArgsDict = {
        "name": name,
        "image": image,
        "image_pull_policy": pull_policy or image_pull_policy(image),
        "resources": resources,
        "security_context": container_security(read_only_root=read_only_root),
    }
    if command:
        built["command"] = list(command)
    if args:
        built["args"] = list(args)
    if env:
        built["env"] = list(env)
    if ports:
        built["ports"] = [{"name": port, "container_port": number} for port, number in ports.items()]
    if probes:
        built["startup_probe"] = probes.startup
        built["readiness_probe"] = probes.readiness
        built["liveness_probe"] = probes.liveness
    if lifecycle:
        built["lifecycle"] = lifecycle
    if mounts:
        built["volume_mounts"] = [volume_mount(mount) for mount in mounts]
    return built


def pod_spec(
    *,
    component: str,
    instance: str,
    service_account: str,
    containers: Sequence[ContainerArgsDict],
    mounts: Sequence[Mount],
    grace_seconds: int,
    placement: Placement,
    pull_secret: str | None,
    security: PodSecurityContextArgsDict | None = None,
    restart_policy: str = "Always",
    spread: bool = True,
    token: bool = False,
    before: Sequence[ContainerArgsDict] = (),
    user_namespace: bool = False,
    apart: Apart | None = None,
) -> PodSpecArgsDict:
    """A pod of one component: `mounts` are the volumes of all its containers, `grace_seconds` the time to stop.

    The containers in `before` run first, one after the other, each to its end. In a user namespace of its own the
    pod's users are nobody's on the node. `apart` keeps the component's pods on nodes of their own.
    """
    volumes = {mount.name: mount.volume for mount in mounts}
    spec: PodSpecArgsDict = {
        "service_account_name": service_account,
        "automount_service_account_token": token,
        "enable_service_links": False,
        "security_context": security or pod_security(),
        "restart_policy": restart_policy,
        "termination_grace_period_seconds": grace_seconds,
        "containers": list(containers),
    }
    if before:
        spec["init_containers"] = list(before)
    if volumes:
        spec["volumes"] = list(volumes.values())
    if spread:
        spec["topology_spread_constraints"] = _spread(component, instance)
    if apart:
        spec["affinity"] = _anti_affinity(component, instance, apart)
    if pull_secret:
        spec["image_pull_secrets"] = [{"name": pull_secret}]
    if placement.node_selector:
        spec["node_selector"] = dict(placement.node_selector)
    if placement.tolerations:
        spec["tolerations"] = [_toleration(toleration) for toleration in placement.tolerations]
    if user_namespace:
        spec["host_users"] = False
    if placement.priority_class:
        spec["priority_class_name"] = placement.priority_class
    return spec


def _anti_affinity(component: str, instance: str, apart: Apart) -> AffinityArgsDict:
    term: PodAffinityTermArgsDict = {
        "label_selector": {"match_labels": selector(component, instance)},
        "topology_key": "kubernetes.io/hostname",
    }
    if apart == "required":
        return {"pod_anti_affinity": {"required_during_scheduling_ignored_during_execution": [term]}}
    weighted: WeightedPodAffinityTermArgsDict = {"weight": 100, "pod_affinity_term": term}
    return {"pod_anti_affinity": {"preferred_during_scheduling_ignored_during_execution": [weighted]}}


def _toleration(values: Mapping[str, str | int]) -> TolerationArgsDict:
    renamed = {"tolerationSeconds": "toleration_seconds"}
    toleration: TolerationArgsDict = {}
    for key, value in values.items():
        toleration[renamed.get(key, key)] = value
    return toleration


def _spread(component: str, instance: str) -> list[TopologySpreadConstraintArgsDict]:
    return [
        {
            "max_skew": 1,
            "topology_key": key,
            "when_unsatisfiable": "ScheduleAnyway",
            "label_selector": {"match_labels": selector(component, instance)},
        }
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]
