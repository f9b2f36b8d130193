"""A rendered stack as the checks see it, and how they walk through it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from archesai_infra.stack.evaluate import Evaluation, Resource
from archesai_infra.stack.settings import Settings
from testbed.invariants.made import made_pods

Object = dict[str, Any]
CONTROLLERS = ("Deployment", "StatefulSet", "DaemonSet")
"""What keeps pods running."""
RUNNERS = (*CONTROLLERS, "Job", "CronJob")
"""What runs pods."""


@dataclass
class Rendered:
    """A stack's objects, free to be changed, and what they were made from."""

    objects: list[Object]
    resources: list[Resource]
    settings: Settings
    outputs: Mapping[str, Any]

    @classmethod
    def of(cls, evaluation: Evaluation) -> Rendered:
        """A copy of an evaluation."""
        return cls(
            deepcopy(evaluation.objects), list(evaluation.resources), evaluation.settings, dict(evaluation.outputs)
        )

    def kinds(self, *kinds: str) -> Iterator[Object]:
        """All objects of some kinds."""
        return (item for item in self.objects if item["kind"] in kinds)

    def one(self, kind: str, name: str) -> Object:
        """An object by kind and name; raises LookupError."""
        for item in self.kinds(kind):
            if item["metadata"]["name"] == name:
                return item
        raise LookupError(f"no {kind} {name}")

    def has(self, kind: str, name: str, namespace: str | None) -> bool:
        """Whether there is an object of a kind and name in a namespace."""
        return any(
            item["metadata"]["name"] == name and item["metadata"].get("namespace") == namespace
            for item in self.kinds(kind)
        )

    def selected(self, selector: Mapping[str, str], namespace: str | None) -> list[Object]:
        """What runs the pods that a selector matches."""
        return [
            runner
            for runner in (*self.kinds(*RUNNERS), *made_pods(self.objects))
            if runner["metadata"].get("namespace") == namespace and selector.items() <= pod_labels(runner).items()
        ]


Check = Callable[[Rendered], Iterator[str]]


def title(item: Object) -> str:
    """How findings name an object."""
    return f"{item['kind']} {item['metadata']['name']}"


def template(runner: Object) -> Object:
    """The pod template of what runs pods."""
    spec = runner["spec"]
    return spec["jobTemplate"]["spec"]["template"] if runner["kind"] == "CronJob" else spec["template"]


def pod(runner: Object) -> Object:
    """The pod's spec."""
    return template(runner)["spec"]


def template_claims(runner: Object) -> Iterator[str]:
    """Names of the claims that a StatefulSet's pods take by its templates: one that exists is used as it is."""
    spec, name = runner["spec"], runner["metadata"]["name"]
    for item in spec.get("volumeClaimTemplates", []):
        for ordinal in range(spec["replicas"]):
            yield f"{item['metadata']['name']}-{name}-{ordinal}"


def pod_labels(runner: Object) -> dict[str, str]:
    """The pod's labels."""
    return template(runner)["metadata"]["labels"]


def containers(runner: Object) -> list[Object]:
    """All containers of a pod, those that run before the others too."""
    return [*pod(runner).get("initContainers", []), *pod(runner)["containers"]]


def component(item: Object) -> str:
    """The module that an object belongs to."""
    return item["metadata"].get("labels", {}).get("app.kubernetes.io/component", "")


def strings(value: object) -> Iterator[str]:
    """Every text inside a value, keys of mappings too."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from strings(item)
    elif isinstance(value, str):
        yield value


def secret_uses(runner: Object) -> Iterator[tuple[str, str | None]]:
    """Secrets that a pod reads, by name, with the key where one is named."""
    for container in containers(runner):
        for variable in container.get("env", []):
            reference = variable.get("valueFrom", {}).get("secretKeyRef")
            if reference:
                yield reference["name"], reference["key"]
        for source in container.get("envFrom", []):
            if "secretRef" in source:
                yield source["secretRef"]["name"], None
    for volume in pod(runner).get("volumes", []):
        sources = [source["secret"] for source in volume.get("projected", {}).get("sources", []) if "secret" in source]
        for source in [*sources, *([volume["secret"]] if "secret" in volume else [])]:
            for item in source.get("items", [{"key": None}]):
                yield source.get("secretName") or source["name"], item["key"]


def config_map_uses(runner: Object) -> Iterator[tuple[str, str | None]]:
    """ConfigMaps that a pod reads, by name, with the key where one is named."""
    for container in containers(runner):
        for variable in container.get("env", []):
            reference = variable.get("valueFrom", {}).get("configMapKeyRef")
            if reference:
                yield reference["name"], reference["key"]
        for source in container.get("envFrom", []):
            if "configMapRef" in source:
                yield source["configMapRef"]["name"], None
    for volume in pod(runner).get("volumes", []):
        if "configMap" in volume:
            for item in volume["configMap"].get("items", [{"key": None}]):
                yield volume["configMap"]["name"], item["key"]
