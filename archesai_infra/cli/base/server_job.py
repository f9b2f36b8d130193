"""A Job of a command with the image, the user and the Secret of the stack's PostgreSQL server, and what it needs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from archesai_infra.cli.base.cluster import Cluster
from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.kinds import path
from archesai_infra.components import database
from archesai_infra.kube.labels import labels
from archesai_infra.kube.names import object_name
from archesai_infra.stack.evaluate import Evaluation

Object = dict[str, Any]
_READY = "/tmp/ready"
"""File that the script makes when it waits for the switch."""
_DNS = object_name("dns")


def live_server(cluster: Cluster, namespace: str) -> Object:
    """The StatefulSet of the database's single pod; raises CommandError where it is not there or does not answer."""
    live = cluster.find(path("StatefulSet", namespace, database.NAME))
    if live is None:
        raise CommandError(f"namespace {namespace} has no pod of the database: run `arches up` first", Exit.FOUND)
    if not live.get("status", {}).get("readyReplicas"):
        raise CommandError("the database is not ready: arches status", Exit.FOUND)
    return live


@dataclass(frozen=True)
class ServerJob:
    """Objects of one command, under one name."""

    component: str
    namespace: str
    stack: str

    @property
    def name(self) -> str:
        """Name of the Job and of its ConfigMap, and what names of its policies begin with."""
        return object_name(self.component)

    def metadata(self, name: str | None = None) -> Object:
        """Of an object that belongs to the Job."""
        return {"name": name or self.name, "namespace": self.namespace, "labels": labels(self.component, self.stack)}

    def config_map(self, files: Mapping[str, str]) -> Object:
        """The scripts that take the place of the server's."""
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": self.metadata(), "data": dict(files)}

    def policy(self, name: str, spec: Object) -> Object:
        """A flow for the time of the Job."""
        return {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": self.metadata(name),
            "spec": spec,
        }

    def job(
        self, evaluation: Evaluation, container: Object, *, grace_seconds: int, volumes: Collection[str] | None = None
    ) -> Object:
        """The Job, whose container takes the place of the server's; without `volumes` it has all of the server's."""
        template = deepcopy(found(evaluation, "StatefulSet", database.NAME)["spec"]["template"])
        pod = template["spec"]
        pod["restartPolicy"] = "Never"
        pod["terminationGracePeriodSeconds"] = grace_seconds
        pod.pop("topologySpreadConstraints", None)
        pod["containers"] = [container]
        pod["volumes"] = [volume for volume in pod["volumes"] if volumes is None or volume["name"] in volumes]
        for volume in pod["volumes"]:
            if volume["name"] == "scripts":
                volume["configMap"]["name"] = self.name
        return {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": self.metadata(),
            "spec": {
                # The pod's log stays readable after a failure until the next try.
                "backoffLimit": 0,
                "template": {"metadata": {"labels": labels(self.component, self.stack)}, "spec": pod},
            },
        }


def container(evaluation: Evaluation, command: Sequence[str], environment: Mapping[str, str]) -> Object:
    """The server's container with another command, ready when its script says so; nothing reaches it."""
    pod = found(evaluation, "StatefulSet", database.NAME)["spec"]["template"]["spec"]
    (server,) = [one for one in pod["containers"] if one["name"] == "postgres"]
    left_out = ("lifecycle", "ports")
    built = {key: deepcopy(value) for key, value in server.items() if key not in left_out and "Probe" not in key}
    own = {"READY": _READY, **environment}
    built["command"] = list(command)
    built["env"] = [*built["env"], *({"name": key, "value": value} for key, value in own.items())]
    built["readinessProbe"] = {"exec": {"command": ["test", "-e", _READY]}, "periodSeconds": 1}
    return built


def found(evaluation: Evaluation, kind: str, name: str) -> Object:
    """An object of a stack; raises KeyError where it has none."""
    for item in evaluation.objects:
        if (item["kind"], item["metadata"]["name"]) == (kind, name):
            return item
    raise KeyError(f"{kind} {name}")


def resolving(evaluation: Evaluation) -> list[Object]:
    """Egress rules to the resolver, as the stack's clients have them."""
    return [
        rule
        for item in evaluation.objects
        if item["kind"] == "NetworkPolicy" and item["metadata"]["name"] == _DNS
        for rule in item["spec"]["egress"]
    ]
