"""Checks of the cluster against what a stack declares."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any

from archesai_infra.cli.base.cluster import Cluster, ClusterError
from archesai_infra.cli.base.failures import Caught
from archesai_infra.cli.base.kinds import group_path, path
from archesai_infra.cli.base.owner import stack_of
from archesai_infra.cli.doctor import api_server, bucket, classes
from archesai_infra.cli.doctor.dns import findings
from archesai_infra.cli.doctor.report import Finding, ok, problem, skipped, warning
from archesai_infra.cli.engine.existing_secrets import lacking, wanted
from archesai_infra.stack.evaluate import Evaluation
from archesai_infra.versions import POD_SECURITY

VERBS = ("get", "create", "patch", "delete")
SKEW_SECONDS = 30
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
BROUGHT_BY = {
    "cilium.io": ("cilium", "install Cilium as the network plugin, or set cluster.cilium to false"),
    "cert-manager.io": ("cert-manager", "install cert-manager, or set ingress.certManager.install to true"),
    "monitoring.coreos.com": (
        "kube-prometheus-stack",
        "install the Prometheus operator, or let the monitoring module install it",
    ),
    "postgresql.cnpg.io": (
        "cloudnative-pg",
        "install CloudNativePG, or set database.cluster.operator to install",
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
        served: dict[tuple[str, str], tuple[str, bool]] = {}
        for version in sorted({str(item["apiVersion"]) for item in self.objects}):
            answer = self.cluster.find(group_path(version)) or {"resources": []}
            for entry in answer["resources"]:
                if "/" not in entry["name"]:
                    served[version, entry["kind"]] = (entry["name"], entry["namespaced"])
        return served


def examine(examination: Examination) -> Iterator[Finding]:
    """Every check of the cluster; one that the server refuses is a finding too."""
    for check in CHECKS:
        name = check.__name__.replace("_", " ")
        with Caught() as caught:
            try:
                yield from check(examination)
            except ClusterError as error:
                yield problem(name, error.problem, error.cure or "see the server's answer")
        if caught.failure:
            yield problem(name, f"the check failed: {caught.failure.text}", "report this")


def server_version(examination: Examination) -> Iterator[Finding]:
    """Whether the server is one of the supported versions."""
    version = examination.cluster.version()
    numbers = tuple(map(int, version.removeprefix("v").split(".")[:2]))
    oldest = tuple(map(int, POD_SECURITY.removeprefix("v").split(".")))
    if numbers < oldest:
        cure = f"upgrade the cluster to {POD_SECURITY} or newer"
        yield problem("server version", f"Kubernetes {version} is too old", cure)
    else:
        yield ok("server version", f"Kubernetes {version}")


def clock(examination: Examination) -> Iterator[Finding]:
    """Whether this machine's clock agrees with the server's; logins and certificates depend on it."""
    date = examination.cluster.send("GET", "/version").date
    if not date:
        yield skipped("clock", "the server does not send its time")
        return
    skew = abs((examination.now - parsedate_to_datetime(date)).total_seconds())
    if skew > SKEW_SECONDS:
        yield warning("clock", f"this machine and the server differ by {skew:.0f} s", "set the clock (NTP)")
    else:
        yield ok("clock", "agrees with the server's")


def namespace(examination: Examination) -> Iterator[Finding]:
    """Whether the namespace is free, or this stack's own."""
    found = examination.cluster.find(path("Namespace", name=examination.namespace))
    if found is None:
        yield ok("namespace", f"{examination.namespace} does not exist yet")
        return
    owner = stack_of(found)
    ours = next(item for item in examination.objects if item["kind"] == "Namespace")
    stack = stack_of(ours)
    if found["status"].get("phase") == "Terminating":
        cure = (
            f"wait; if it stays: kubectl --context {examination.cluster.context} get namespace "
            f"{examination.namespace} -o jsonpath='{{.status.conditions}}'"
        )
        yield problem("namespace", f"{examination.namespace} is being deleted", cure)
    elif owner not in (None, stack):
        cure = "give each stack its own namespace: arches config set namespace <name>"
        yield problem("namespace", f"{examination.namespace} belongs to stack {owner}", cure)
    else:
        yield ok("namespace", f"{examination.namespace} exists")


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
    verbs: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for verb in filter(missing.get, VERBS):
        verbs[tuple(sorted(set(missing[verb])))].append(verb)
    every = len({(group, resource) for group, resource, _ in asked})
    refusals = "; ".join(
        f"{', '.join(alike)} {f'any of the {every} kinds' if len(names) == every else ', '.join(names)}"
        for names, alike in verbs.items()
    )
    cure = (
        f"bind a role that allows it, such as cluster-admin, or admin in {examination.namespace} for namespaced kinds"
    )
    yield problem("permissions", f"the user may not {refusals}", cure)


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
        text = f"the server does not know {', '.join(sorted(names))} of {group}"
        if release in releases:
            yield ok("kinds", f"{text}; the stack's release {release} brings it")
        else:
            yield problem("kinds", text, cure)
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
    found = examination.cluster.list(path("StorageClass"))
    names = {item["metadata"]["name"] for item in found}
    default = [
        item["metadata"]["name"]
        for item in found
        if item["metadata"].get("annotations", {}).get(DEFAULT_CLASS) == "true"
    ]
    named = {item["spec"]["storageClassName"] for item in claims if "storageClassName" in item["spec"]}
    there = f"there are {', '.join(sorted(names)) or 'none'}"
    for name in sorted(named - names):
        yield problem("storage class", f"there is no StorageClass {name}; {there}", "correct <module>.storageClass")
    if not default and any("storageClassName" not in item["spec"] for item in claims):
        cure = "set <module>.storageClass to one of them, or mark one: kubectl annotate storageclass <name> "
        yield problem("storage class", f"no StorageClass is the default; {there}", f"{cure}{DEFAULT_CLASS}=true")
    elif not named - names:
        yield ok("storage class", f"default {', '.join(default) or 'not needed'}")


def ingress_class(examination: Examination) -> Iterator[Finding]:
    """Whether something serves the hosts, or the class that the stack makes is free."""
    yield from classes.findings(examination.cluster, examination.evaluation)


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


def asked_server(examination: Examination) -> Iterator[Finding]:
    """Whether the policies name the API server that pods ask."""
    yield from api_server.findings(examination.cluster, examination.evaluation.settings)


def secrets(examination: Examination) -> Iterator[Finding]:
    """Whether the Secrets that the stack expects to exist do, in every namespace, with their keys."""
    found = wanted(examination.evaluation)
    if not found:
        yield skipped("existing secrets", "the stack creates all its Secrets")
        return
    missing = lacking(examination.cluster, examination.evaluation)
    for lack in missing:
        if lack.exists:
            text = f"Secret {lack.namespace}/{lack.name} lacks {', '.join(lack.keys)}"
            yield problem("existing secrets", text, "add the keys")
        else:
            cure = "before `up`: " + "; ".join(lack.commands(examination.cluster.context))
            yield problem("existing secrets", f"namespace {lack.namespace} has no Secret {lack.name}", cure)
    if not missing:
        yield ok("existing secrets", ", ".join(f"{namespace}/{name}" for namespace, name in sorted(found)))


def image_pulls(examination: Examination) -> Iterator[Finding]:
    """Whether the pods that are there got their images."""
    refused: dict[str, str] = {}
    for pod in examination.cluster.list(path("Pod", examination.namespace)):
        for container in pod.get("status", {}).get("containerStatuses", []):
            waiting = container.get("state", {}).get("waiting", {})
            if waiting.get("reason") in ("ErrImagePull", "ImagePullBackOff", "InvalidImageName"):
                refused[str(container["image"])] = str(waiting["reason"])
    for image, reason in sorted(refused.items()):
        yield problem(
            "image pulls",
            f"{image}: {reason}",
            "correct the tag; for a private registry set security.registry.username and "
            "registryPassword (arches config set registryPassword)",
        )
    if not refused:
        yield ok("image pulls", "no pod waits for its image")


def backups_bucket(examination: Examination) -> Iterator[Finding]:
    """Whether the backups outlive the cluster's own keys."""
    yield from bucket.findings(examination.cluster, examination.evaluation.settings, examination.now)


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
    asked_server,
    secrets,
    image_pulls,
    backups_bucket,
)
