"""Checks of the cluster against what a stack declares."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any

from archesai_infra.cli.base.cluster import Cluster, ClusterError, Object
from archesai_infra.cli.doctor.dns import findings
from archesai_infra.cli.doctor.report import Finding, ok, problem, skipped, warning
from archesai_infra.stack.evaluate import Evaluation
from archesai_infra.versions import POD_SECURITY

VERBS = ("get", "create", "patch", "delete")
SKEW_SECONDS = 30
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
BROUGHT_BY = {
    "cert-manager.io": ("cert-manager", "install cert-manager, or set ingress.certManager.install to true"),
    "monitoring.coreos.com": (
        "kube-prometheus-stack",
        "install the Prometheus operator, or let the monitoring module install it",
    ),
    "velero.io": ("velero", "install Velero, or let the backups module install it"),
    "argoproj.io": ("argo-cd", "install Argo CD (https://argo-cd.readthedocs.io), or set gitops.enabled to false"),
}
"""The Helm release that brings an API group, and the cure where there is neither."""


@dataclass(frozen=True)
class Examination:
    """A stack as it is declared, and the cluster it is for."""

    cluster: Cluster
    evaluation: Evaluation
    now: datetime
    """This machine's clock."""

    @property
    def namespace(self) -> str:
        """The stack's namespace."""
        return self.evaluation.settings.namespace

    @cached_property
    def objects(self) -> list[dict[str, Any]]:
        """What the stack declares."""
        return self.evaluation.objects

    @cached_property
    def served(self) -> dict[tuple[str, str], tuple[str, bool]]:
        """Resource name and whether it is namespaced, by API version and kind, for the kinds the stack uses."""
        found: dict[tuple[str, str], tuple[str, bool]] = {}
        for version in sorted({str(item["apiVersion"]) for item in self.objects}):
            answer = self.cluster.find(group_path(version)) or {"resources": []}
            for entry in answer["resources"]:
                if "/" not in entry["name"]:
                    found[version, entry["kind"]] = (entry["name"], entry["namespaced"])
        return found


def group_path(version: str) -> str:
    """Path of an API version."""
    return f"/apis/{version}" if "/" in version else f"/api/{version}"


def examine(examination: Examination) -> Iterator[Finding]:
    """Every check of the cluster; one that the server refuses is a finding too."""
    for check in CHECKS:
        try:
            yield from check(examination)
        except ClusterError as error:
            yield problem(check.__name__.replace("_", " "), error.problem, error.cure or "see the server's answer")


def server_version(examination: Examination) -> Iterator[Finding]:
    """Whether the server is one of the supported versions."""
    said = examination.cluster.get("/version")
    numbers = (int(said["major"]), int(said["minor"].rstrip("+")))
    oldest = tuple(map(int, POD_SECURITY.removeprefix("v").split(".")))
    if numbers < oldest:
        cure = f"upgrade the cluster to {POD_SECURITY} or newer"
        yield problem("server version", f"Kubernetes {said['gitVersion']} is too old", cure)
    else:
        yield ok("server version", f"Kubernetes {said['gitVersion']}")


def clock(examination: Examination) -> Iterator[Finding]:
    """Whether this machine's clock agrees with the server's; logins and certificates depend on it."""
    date = examination.cluster.send("GET", "/version").date
    if not date:
        yield skipped("clock", "the server does not say its time")
        return
    skew = abs((examination.now - parsedate_to_datetime(date)).total_seconds())
    if skew > SKEW_SECONDS:
        yield warning("clock", f"this machine and the server differ by {skew:.0f} s", "set the clock (NTP)")
    else:
        yield ok("clock", "agrees with the server's")


def namespace(examination: Examination) -> Iterator[Finding]:
    """Whether the namespace is free, or this stack's own."""
    found = examination.cluster.find(f"/api/v1/namespaces/{examination.namespace}")
    if found is None:
        yield ok("namespace", f"{examination.namespace} does not exist yet")
        return
    owner = found["metadata"].get("labels", {}).get("app.kubernetes.io/instance")
    ours = next(item for item in examination.objects if item["kind"] == "Namespace")
    stack = ours["metadata"]["labels"]["app.kubernetes.io/instance"]
    if found["status"].get("phase") == "Terminating":
        cure = f"wait; if it stays: kubectl get namespace {examination.namespace} -o jsonpath='{{.status.conditions}}'"
        yield problem("namespace", f"{examination.namespace} is being deleted", cure)
    elif owner not in (None, stack):
        cure = "give each stack a namespace of its own: pulumi config set namespace <name>"
        yield problem("namespace", f"{examination.namespace} belongs to stack {owner}", cure)
    else:
        yield ok("namespace", f"{examination.namespace} is there")


def permissions(examination: Examination) -> Iterator[Finding]:
    """Whether the user may do to every declared kind what an `up` and a `destroy` do."""
    missing: dict[str, list[str]] = defaultdict(list)
    asked: set[tuple[str, str, str]] = set()
    for item in examination.objects:
        version = str(item["apiVersion"])
        resource, namespaced = examination.served.get((version, item["kind"]), ("", False))
        where = item["metadata"].get("namespace", "") if namespaced else ""
        group = version.partition("/")[0] if "/" in version else ""
        if not resource or (group, resource, where) in asked:
            continue
        asked.add((group, resource, where))
        for verb in VERBS:
            if not examination.cluster.allowed(verb, group, resource, where):
                missing[verb].append(f"{resource}.{group}" if group else resource)
    if not missing:
        yield ok("permissions", f"all of {', '.join(VERBS)} on {len(asked)} kinds")
        return
    told = "; ".join(f"{verb} {', '.join(sorted(set(names)))}" for verb, names in missing.items())
    cure = (
        f"bind a role that allows it, such as cluster-admin, or admin in {examination.namespace} for namespaced kinds"
    )
    yield problem("permissions", f"the user may not: {told}", cure)


def kinds(examination: Examination) -> Iterator[Finding]:
    """Whether the server knows every declared kind, or a release of the stack brings it."""
    releases = {str(release.inputs.get("name")) for release in examination.evaluation.releases}
    unknown: dict[str, set[str]] = defaultdict(set)
    for item in examination.objects:
        version = str(item["apiVersion"])
        if (version, item["kind"]) not in examination.served:
            unknown[version.partition("/")[0]].add(str(item["kind"]))
    for group, names in sorted(unknown.items()):
        release, cure = BROUGHT_BY.get(group, ("", "install what serves it"))
        told = f"the server does not know {', '.join(sorted(names))} of {group}"
        if release in releases:
            yield ok("kinds", f"{told}; the stack's release {release} brings it")
        else:
            yield problem("kinds", told, cure)
    if not unknown:
        yield ok("kinds", "the server knows every kind of the stack")


def argo_cd(examination: Examination) -> Iterator[Finding]:
    """Whether Argo CD is there where it is to apply the stack."""
    settings = examination.evaluation.settings.gitops
    if not settings.enabled:
        yield skipped("argo cd", "Pulumi applies the stack")
    elif examination.cluster.find("/apis/argoproj.io/v1alpha1") is None:
        yield problem("argo cd", "the server does not know Application of argoproj.io", BROUGHT_BY["argoproj.io"][1])
    else:
        yield ok("argo cd", f"applies the stack from {settings.repo_url}")


def storage_class(examination: Examination) -> Iterator[Finding]:
    """Whether every claim gets a class."""
    claims = [item for item in examination.objects if item["kind"] == "PersistentVolumeClaim"]
    if not claims:
        yield skipped("storage class", "the stack claims no storage")
        return
    found = examination.cluster.list("/apis/storage.k8s.io/v1/storageclasses")
    names = {item["metadata"]["name"] for item in found}
    default = [
        item["metadata"]["name"]
        for item in found
        if item["metadata"].get("annotations", {}).get(DEFAULT_CLASS) == "true"
    ]
    named = {item["spec"]["storageClassName"] for item in claims if "storageClassName" in item["spec"]}
    there = f"there are {', '.join(sorted(names)) or 'none'}"
    for name in sorted(named - names):
        yield problem("storage class", f"there is no StorageClass {name}; {there}", "mend <module>.storageClass")
    if not default and any("storageClassName" not in item["spec"] for item in claims):
        cure = "set <module>.storageClass to one of them, or mark one: kubectl annotate storageclass <name> "
        yield problem("storage class", f"no StorageClass is the default; {there}", f"{cure}{DEFAULT_CLASS}=true")
    elif not named - names:
        yield ok("storage class", f"default {', '.join(default) or 'not needed'}")


def ingress_class(examination: Examination) -> Iterator[Finding]:
    """Whether something serves the Ingresses."""
    settings = examination.evaluation.settings.ingress
    if not settings.enabled:
        yield skipped("ingress class", "the ingress is off")
        return
    if settings.controller.install:
        yield ok("ingress class", f"{settings.class_name}, served by the stack's own controller")
        return
    found = [item["metadata"]["name"] for item in examination.cluster.list("/apis/networking.k8s.io/v1/ingressclasses")]
    if settings.class_name in found:
        yield ok("ingress class", settings.class_name)
        return
    yield problem(
        "ingress class",
        f"there is no IngressClass {settings.class_name}; there are {', '.join(sorted(found)) or 'none'}",
        "set ingress.className to one of them, or ingress.controller.install to true",
    )


def metrics(examination: Examination) -> Iterator[Finding]:
    """Whether autoscalers get figures."""
    if not any(item["kind"] == "HorizontalPodAutoscaler" for item in examination.objects):
        yield skipped("metrics server", "nothing is autoscaled")
    elif examination.cluster.find("/apis/metrics.k8s.io/v1beta1") is None:
        cure = "install metrics-server, or set <module>.autoscaling.enabled to false"
        yield problem("metrics server", "the server has no metrics.k8s.io: autoscalers never scale", cure)
    else:
        yield ok("metrics server", "serves metrics.k8s.io")


def dns(examination: Examination) -> Iterator[Finding]:
    """Whether the policies let pods reach what resolves names."""
    yield from findings(examination.cluster, examination.evaluation.settings.security.dns, examination.namespace)


def secrets(examination: Examination) -> Iterator[Finding]:
    """Whether the Secrets that others make are there with their keys."""
    wanted = wanted_secrets(examination.objects)
    if not wanted:
        yield skipped("existing secrets", "the stack makes all its Secrets")
        return
    sound = True
    for name, keys in sorted(wanted.items()):
        found = examination.cluster.find(f"/api/v1/namespaces/{examination.namespace}/secrets/{name}")
        missing = sorted(keys - set(found.get("data", {}))) if found else []
        if found is None:
            cure = f"make it before `up`, with {', '.join(sorted(keys)) or 'a registry login'}"
            yield problem("existing secrets", f"there is no Secret {name} in {examination.namespace}", cure)
        elif missing:
            yield problem("existing secrets", f"Secret {name} lacks {', '.join(missing)}", "add what is missing")
        sound = sound and found is not None and not missing
    if sound:
        yield ok("existing secrets", ", ".join(sorted(wanted)))


def wanted_secrets(objects: list[dict[str, Any]]) -> dict[str, set[str]]:
    """Secrets that pods of the stack refer to and the stack does not declare, with the keys they need."""
    own = {item["metadata"]["name"] for item in objects if item["kind"] == "Secret"}
    wanted: dict[str, set[str]] = defaultdict(set)
    for item in objects:
        spec = item.get("spec", {}).get("template", {}).get("spec", {})
        for name, key in _references(spec):
            if name not in own:
                wanted[name] |= {key} - {""}
    return dict(wanted)


def _references(pod: Object) -> Iterator[tuple[str, str]]:
    for secret in pod.get("imagePullSecrets", []):
        yield secret["name"], ""
    for volume in pod.get("volumes", []):
        source = volume.get("secret", {})
        for item in source.get("items", []):
            yield source["secretName"], item["key"]
    for container in [*pod.get("initContainers", []), *pod.get("containers", [])]:
        for variable in container.get("env", []):
            reference = variable.get("valueFrom", {}).get("secretKeyRef")
            if reference:
                yield reference["name"], reference["key"]


def image_pulls(examination: Examination) -> Iterator[Finding]:
    """Whether the pods that are there got their images."""
    refused: dict[str, str] = {}
    for pod in examination.cluster.list(f"/api/v1/namespaces/{examination.namespace}/pods"):
        for container in pod.get("status", {}).get("containerStatuses", []):
            waiting = container.get("state", {}).get("waiting", {})
            if waiting.get("reason") in ("ErrImagePull", "ImagePullBackOff", "InvalidImageName"):
                refused[str(container["image"])] = str(waiting["reason"])
    for image, reason in sorted(refused.items()):
        yield problem(
            "image pulls",
            f"{image}: {reason}",
            "mend the tag; for a private registry set security.registry.username and "
            "`pulumi config set --secret registryPassword`",
        )
    if not refused:
        yield ok("image pulls", "no pod waits for its image")


CHECKS: tuple[Callable[[Examination], Iterator[Finding]], ...] = (
    server_version,
    clock,
    namespace,
    permissions,
    kinds,
    argo_cd,
    storage_class,
    ingress_class,
    metrics,
    dns,
    secrets,
    image_pulls,
)
