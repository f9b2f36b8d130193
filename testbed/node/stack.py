"""A stack on real nodes, applied as `kubectl apply` of its manifests would, without the kinds that charts bring."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from archesai_infra.stack.evaluate import Evaluation
from archesai_infra.stack.render import ordered
from testbed.cluster.scenarios import alone, merged
from testbed.controlplane.api import NoSuchKindError, Object, label
from testbed.node.cluster import Cluster
from testbed.stacks import Config, render, shipped_config

READY_SECONDS = 240.0
COMPONENT = "app.kubernetes.io/component"
WORKLOADS = {
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "Job": "batch/v1",
    "PersistentVolumeClaim": "v1",
}
"""API version of each kind that has to be ready."""


def shipped(name: str) -> Config:
    """A stack file of the repository in namespaces of its own."""
    return alone(shipped_config(name), f"node-{name}")


@dataclass(frozen=True)
class LiveStack(ABC):
    """A stack and the cluster that it is in, whoever put it there."""

    cluster: Cluster
    name: str
    config: Config

    @property
    def namespace(self) -> str:
        return str(self.config["namespace"])

    @cached_property
    def evaluation(self) -> Evaluation:
        """With secrets in clear, as an engine hands them to the API server."""
        return render(self.config, self.name, reveal=True)

    def chart_namespaces(self) -> list[str]:
        """Where the releases of charts are, apart from the stack."""
        return sorted({str(one.inputs["namespace"]) for one in self.evaluation.releases} - {self.namespace})

    @abstractmethod
    def workloads(self) -> Sequence[Object]:
        """What has to be ready: servers, Jobs and claims."""

    def wait_ready(self, seconds: float = READY_SECONDS) -> Self:
        """Wait until all that runs is ready and all that ends has ended well."""
        self.cluster.wait_ready(*self.workloads(), seconds=seconds)
        return self

    def pods(self, component: str | None = None) -> list[Object]:
        """The stack's pods, or a component's, that are there to stay."""
        return self.cluster.pods(self.namespace, f"{COMPONENT}={component}" if component else "")

    def pod(self, component: str) -> Object:
        """The newest pod of a component."""
        return max(self.pods(component), key=lambda pod: pod["metadata"]["creationTimestamp"])

    def exec(self, component: str, *command: str) -> str:
        """What a command prints in a component's pod; it must succeed."""
        done = self.cluster.exec(self.namespace, self.pod(component)["metadata"]["name"], *command)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr or done.stdout}"
        return done.stdout

    def sql(self, statement: str) -> str:
        """The rows that PostgreSQL answers, without decoration."""
        command = ["psql", "-h", "/var/run/postgresql", "-U", "admin", "-d", "archesai", "-qAtc", statement]
        return self.exec("database", *command).strip()

    def restarts(self) -> dict[str, int]:
        """How often containers were started again, by `pod/container`, for those that were."""
        return {
            f"{pod['metadata']['name']}/{one['name']}": one["restartCount"]
            for pod in self.pods()
            for one in pod["status"].get("containerStatuses", [])
            if one["restartCount"]
        }

    def warnings(self, explained: Mapping[str, str]) -> list[str]:
        """Warning events that no pattern explains, as `object: reason: message`."""
        events = self.cluster.api.list("v1", "Event", self.namespace)
        lines = {
            f"{one['involvedObject']['kind']} {one['involvedObject'].get('name')}: {one['reason']}: {one['message']}"
            for one in events
            if one["type"] == "Warning"
        }
        return sorted(line for line in lines if not any(re.search(pattern, line) for pattern in explained))


@dataclass(frozen=True)
class NodeStack(LiveStack):
    """A stack whose manifests are applied in one pass."""

    @cached_property
    def items(self) -> list[Object]:
        """The stack's objects in the order of their application, without kinds that this cluster does not serve.

        The IngressClass has one name for all stacks of a cluster, and is left to one that the engine deploys.
        """
        found = [item for item in ordered(self.evaluation) if item["kind"] != "IngressClass"]
        return [item for item in found if self._is_served(item)]

    def changed(self, change: Config) -> NodeStack:
        """The same stack with other settings."""
        return NodeStack(self.cluster, self.name, merged(self.config, change))

    def of_kind(self, *kinds: str) -> list[Object]:
        return [item for item in self.items if item["kind"] in kinds]

    def one(self, kind: str, name: str) -> Object:
        return next(item for item in self.of_kind(kind) if item["metadata"]["name"] == name)

    def workloads(self) -> list[Object]:
        """Those of the manifests."""
        return self.of_kind(*WORKLOADS)

    def apply(self) -> NodeStack:
        """Apply every object; each must be accepted."""
        self.cluster.apply(self.items).check()
        return self

    def delete(self) -> None:
        """Delete the stack's namespaces without waiting."""
        for namespace in self.of_kind("Namespace"):
            self.cluster.api.delete(namespace)

    def _is_served(self, item: Object) -> bool:
        try:
            self.cluster.api.resource(item["apiVersion"], item["kind"])
        except NoSuchKindError:
            return False
        return True


def unready(stack: LiveStack) -> list[str]:
    """Pods that neither run and are ready nor have ended well."""
    found: list[str] = []
    for pod in stack.pods():
        conditions = {one["type"]: one["status"] for one in pod["status"].get("conditions", [])}
        if pod["status"]["phase"] != "Succeeded" and conditions.get("Ready") != "True":
            found.append(label(pod))
    return found
