"""What a rendered stack reserves in its namespace: pods, CPU, memory and volumes, without the pods of Helm charts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from archesai_infra.quantities import cpu_cores, memory_bytes
from archesai_infra.stack.evaluate import Evaluation

_GIBIBYTE = 2**30
_ALWAYS = ("Deployment", "StatefulSet")


@dataclass(frozen=True)
class Capacity:
    """Sums of requests; autoscaled workloads count with their minimum."""

    pods: int
    cpu: float
    memory: float
    """In GiB."""
    volumes: int
    storage: float
    """In GiB."""

    def row(self, name: str) -> str:
        """The row of a table."""
        memory, storage = f"{self.memory:.1f} GiB", f"{self.storage:.0f} GiB"
        return f"| {name} | {self.pods} | {self.cpu:.1f} | {memory} | {self.volumes} | {storage} |"


def capacity(stack: Evaluation) -> Capacity:
    """The sums over a stack's workloads, its claims and the instances that PostgreSQL's operator makes."""
    parts = [*_workloads(stack), *_instances(stack)]
    sizes = [
        item["spec"]["resources"]["requests"]["storage"]
        for item in stack.objects
        if item["kind"] == "PersistentVolumeClaim"
    ]
    sizes += [size for count, item in _of_operator(stack, "Cluster") for size in _volumes(item) for _ in range(count)]
    return Capacity(
        pods=sum(count for count, _ in parts),
        cpu=sum(count * cpu_cores(requests["cpu"]) for count, requests in parts),
        memory=sum(count * memory_bytes(requests["memory"]) for count, requests in parts) / _GIBIBYTE,
        volumes=len(sizes),
        storage=sum(map(memory_bytes, sizes)) / _GIBIBYTE,
    )


def _workloads(stack: Evaluation) -> Iterator[tuple[int, dict[str, str]]]:
    scalers = [item["spec"] for item in stack.objects if item["kind"] == "HorizontalPodAutoscaler"]
    fewest = {spec["scaleTargetRef"]["name"]: spec["minReplicas"] for spec in scalers}
    for item in stack.objects:
        if item["kind"] in _ALWAYS:
            containers = item["spec"]["template"]["spec"]["containers"]
            count = fewest.get(item["metadata"]["name"]) or item["spec"]["replicas"]
            yield count, _summed([one["resources"]["requests"] for one in containers])


def _instances(stack: Evaluation) -> Iterator[tuple[int, dict[str, str]]]:
    for count, item in _of_operator(stack, "Cluster"):
        yield count, item["spec"]["resources"]["requests"]
    for count, item in _of_operator(stack, "Pooler"):
        (container,) = item["spec"]["template"]["spec"]["containers"]
        yield count, container["resources"]["requests"]


def _of_operator(stack: Evaluation, kind: str) -> list[tuple[int, dict[str, Any]]]:
    found = [item for item in stack.objects if item["kind"] == kind and "cnpg" in item["apiVersion"]]
    return [(item["spec"]["instances"], item) for item in found]


def _volumes(cluster: dict[str, Any]) -> list[str]:
    spec = cluster["spec"]
    return [spec["storage"]["size"], *([spec["walStorage"]["size"]] if "walStorage" in spec else [])]


def _summed(requests: list[dict[str, str]]) -> dict[str, str]:
    cpu = sum(cpu_cores(one["cpu"]) for one in requests)
    return {"cpu": str(cpu), "memory": str(sum(memory_bytes(one["memory"]) for one in requests))}
