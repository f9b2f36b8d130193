"""Secrets that a stack file names and a person makes, and the namespaces that such a person made for them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import cast

from archesai_infra.cli.base.cluster import Cluster, Object
from archesai_infra.cli.base.kinds import path as path_of
from archesai_infra.cli.base.owner import stack_of
from archesai_infra.stack.evaluate import Evaluation, Resource

STRICT = "strict"
"""Name of the provider that refuses what exists already."""
TLS_KEYS = ("tls.crt", "tls.key")
"""Keys of a Secret of type `kubernetes.io/tls`."""


@dataclass(frozen=True)
class Lack:
    """A Secret that is missing, or keys that it lacks."""

    namespace: str
    name: str
    keys: tuple[str, ...]
    """Keys that are missing; all that the stack reads where there is no such Secret."""
    exists: bool = False
    in_namespace: bool = True
    """Whether the namespace exists."""

    @property
    def is_certificate(self) -> bool:
        """Whether only hosts read it; without it their controller shows a certificate of its own."""
        return set(self.keys) == set(TLS_KEYS)

    def commands(self, context: str) -> Iterator[str]:
        """What makes it, with a file for each value: a command line is visible to every user of the machine."""
        if not self.in_namespace:
            yield f"kubectl --context {context} create namespace {self.namespace}"
        if self.is_certificate:
            files = "--cert=<file> --key=<file>"
            yield f"kubectl --context {context} -n {self.namespace} create secret tls {self.name} {files}"
            return
        files = " ".join(f"--from-file={key}=<file>" for key in self.keys or ("<key>",))
        yield f"kubectl --context {context} -n {self.namespace} create secret generic {self.name} {files}"


def wanted(evaluation: Evaluation) -> dict[tuple[str, str], set[str]]:
    """Secrets that pods, charts and hosts refer to and the stack does not declare: keys by namespace and name."""
    objects = evaluation.objects
    own = {(str(item["metadata"].get("namespace", "")), name) for item in objects for name in _secrets_of(item)}
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    places = [(str(item["metadata"].get("namespace", "")), _pod_references(_pod_spec(item))) for item in objects]
    places += [(str(item["metadata"].get("namespace", "")), _tls_references(item)) for item in objects]
    places += [(str(one.inputs["namespace"]), _value_references(one.inputs["values"])) for one in evaluation.releases]
    for namespace, references in places:
        for name, key in references:
            if (namespace, name) not in own:
                found[namespace, name] |= {key} - {""}
    return dict(found)


def lacking(cluster: Cluster, evaluation: Evaluation) -> list[Lack]:
    """What is missing of the Secrets that a stack expects to exist; raises ClusterError."""
    found: list[Lack] = []
    seen: set[str] = set()
    for (namespace, name), keys in sorted(wanted(evaluation).items()):
        secret = cluster.find(path_of("Secret", namespace, name))
        if secret is not None:
            missing = tuple(sorted(keys - set(secret.get("data") or {})))
            found += [Lack(namespace, name, missing, exists=True)] if missing else []
            continue
        there = namespace in seen or cluster.find(path_of("Namespace", name=namespace)) is not None
        seen.add(namespace)
        found.append(Lack(namespace, name, tuple(sorted(keys)), in_namespace=there))
    return found


def made_for(
    cluster: Cluster, evaluation: Evaluation, stack: str, known: Collection[str]
) -> tuple[list[str], list[str]]:
    """Namespaces that exist only for such Secrets, and what else exists that the stack must not take.

    Args:
        cluster: The stack's cluster.
        evaluation: The stack as it is declared.
        stack: Its name; objects that carry it are what a killed run made, and belong to neither list.
        known: URNs in the stack's state.

    Returns:
        Names of namespaces that no stack made, that hold a Secret which the stack reads, and where no pod runs; and, as
        `Kind name`, the other objects outside of the stack's namespace that exist and are not in the state.

    Raises:
        ClusterError: The cluster cannot be read.
    """
    places = {namespace for namespace, _ in wanted(evaluation)}
    fitting: list[str] = []
    others: list[str] = []
    for one in evaluation.resources:
        kind = str(one.inputs.get("kind", ""))
        if kind not in ("Namespace", "IngressClass") or not _is_strict(one) or _is_known(one, known):
            continue
        name = str(one.inputs["metadata"]["name"])
        found = cluster.find(path_of(kind, name=name))
        if found is None:
            continue
        owner = stack_of(found)
        if owner == stack:
            continue
        if kind == "Namespace" and name in places and owner is None and not _has_pods(cluster, name):
            fitting.append(name)
        else:
            others.append(f"{kind} {name}")
    return fitting, others


def _is_strict(resource: Resource) -> bool:
    return f"::{STRICT}::" in resource.provider


def _is_known(resource: Resource, known: Collection[str]) -> bool:
    # The engine's URNs name all parents, an evaluation's the direct one.
    return any(urn.endswith(f"{resource.type}::{resource.name}") for urn in known)


def _has_pods(cluster: Cluster, namespace: str) -> bool:
    return bool(cluster.list(path_of("Pod", namespace)))


def _secrets_of(item: Object) -> Iterator[str]:
    """Names of the Secrets that an object is, or that a controller makes of it."""
    if item["kind"] == "Secret":
        yield str(item["metadata"]["name"])
    elif item["kind"] == "ExternalSecret":
        yield str(item["spec"].get("target", {}).get("name") or item["metadata"]["name"])
    elif item["kind"] == "Certificate":
        yield str(item["spec"]["secretName"])


def _pod_spec(item: Object) -> Object:
    """The pod that a workload runs, of a CronJob that of its Jobs."""
    spec = item.get("spec") or {}
    if item["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    template = spec.get("template")
    return template.get("spec", {}) if isinstance(template, dict) else {}


def _tls_references(item: Object) -> Iterator[tuple[str, str]]:
    """Certificates of hosts, unless cert-manager is told to fill them."""
    annotations = item["metadata"].get("annotations") or {}
    if item["kind"] not in ("Ingress", "Gateway") or any(key.startswith("cert-manager.io/") for key in annotations):
        return
    names = [entry["secretName"] for entry in item["spec"].get("tls", []) if "secretName" in entry]
    for listener in item["spec"].get("listeners", []):
        names += [reference["name"] for reference in listener.get("tls", {}).get("certificateRefs", [])]
    yield from ((name, key) for name in names for key in TLS_KEYS)


def _pod_references(pod: Object) -> Iterator[tuple[str, str]]:
    for secret in pod.get("imagePullSecrets", []):
        yield secret["name"], ""
    for volume in pod.get("volumes", []):
        projected = [source.get("secret") for source in (volume.get("projected") or {}).get("sources", [])]
        for source in filter(None, [volume.get("secret"), *projected]):
            name = source.get("secretName") or source.get("name")
            yield name, ""
            yield from ((name, item["key"]) for item in source.get("items", []))
    for container in [*pod.get("initContainers", []), *pod.get("containers", [])]:
        for source in container.get("envFrom", []):
            if "secretRef" in source:
                yield source["secretRef"]["name"], ""
        for variable in container.get("env", []):
            reference = variable.get("valueFrom", {}).get("secretKeyRef")
            if reference:
                yield reference["name"], reference["key"]


_NAMES = ("existingSecret", "configSecret", "secretName")
"""Keys of chart values that hold the name of a Secret."""
_REFERENCES = ("secretKeyRef", "secretRef", "credential")
"""Keys of chart values that hold a Secret's name and a key of it."""


def _value_references(values: object) -> Iterator[tuple[str, str]]:
    """The Secrets that a chart's values name, wherever they stand."""
    if isinstance(values, list):
        for item in cast("list[object]", values):
            yield from _value_references(item)
    if not isinstance(values, dict):
        return
    for key, value in cast("dict[str, object]", values).items():
        reference = cast("dict[str, object]", value) if key in _REFERENCES and isinstance(value, dict) else {}
        if key in _NAMES and isinstance(value, str):
            yield value, ""
        elif "name" in reference:
            yield str(reference["name"]), str(reference.get("key", ""))
        else:
            yield from _value_references(value)
