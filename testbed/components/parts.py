"""The parts of a rendered stack that components' tests look at."""

from __future__ import annotations

from typing import Any

import yaml

from archesai_infra.stack.evaluate import Evaluation, Resource
from testbed.stacks import find


def resource(evaluation: Evaluation, name: str) -> Resource:
    """A resource by its logical name without a digest; raises LookupError with the names there are."""
    found = [item for item in evaluation.resources if item.lasting_urn.rpartition("::")[2] == name]
    if len(found) != 1:
        raise LookupError(
            f"{len(found)} resources {name}; there are {sorted(item.name for item in evaluation.resources)}"
        )
    return found[0]


def logical_names(evaluation: Evaluation, prefix: str = "") -> set[str]:
    """Logical names that begin with a prefix."""
    return {item.name for item in evaluation.resources if item.name.startswith(prefix)}


def template(evaluation: Evaluation, kind: str, name: str) -> dict[str, Any]:
    """The pod template of a workload."""
    return find(evaluation, kind, name)["spec"]["template"]


def container(evaluation: Evaluation, kind: str, name: str) -> dict[str, Any]:
    """The one container of a workload."""
    (only,) = template(evaluation, kind, name)["spec"]["containers"]
    return only


def variables(container_: dict[str, Any]) -> dict[str, Any]:
    """Environment of a container: the value, or `Secret/key` of the reference."""
    found: dict[str, Any] = {}
    for item in container_.get("env", []):
        reference = item.get("valueFrom", {}).get("secretKeyRef")
        found[item["name"]] = f"{reference['name']}/{reference['key']}" if reference else item["value"]
    return found


def volume(evaluation: Evaluation, kind: str, name: str, path: str) -> dict[str, Any]:
    """The volume that a workload's container sees at a path, without its name."""
    mounts = {mount["mountPath"]: mount["name"] for mount in container(evaluation, kind, name)["volumeMounts"]}
    volumes = {item.pop("name"): item for item in template(evaluation, kind, name)["spec"]["volumes"]}
    return volumes[mounts[path]]


def configuration(evaluation: Evaluation) -> dict[str, Any]:
    """What the api finds in its file."""
    files = volume(evaluation, "Deployment", "archesai-api", "/etc/archesai")["configMap"]["name"]
    return yaml.safe_load(find(evaluation, "ConfigMap", files)["data"]["config.yaml"])


def depends_on(evaluation: Evaluation, name: str) -> set[str]:
    """Logical names of what a resource waits for."""
    return {urn.rpartition("::")[2] for urn in resource(evaluation, name).depends_on}
