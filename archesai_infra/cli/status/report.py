"""What became of a stack in its cluster: rollouts, endpoints, certificates and backups at a glance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from archesai_infra.cli.base.cluster import Cluster, Object
from archesai_infra.cli.base.kinds import path
from archesai_infra.cli.base.owner import owner_of
from archesai_infra.cli.base.text import counted, duration, moment
from archesai_infra.cli.status import databases, pods
from archesai_infra.cli.status.databases import Status
from archesai_infra.components.database.cluster.network import CLUSTER_LABEL, POOLER_LABEL
from archesai_infra.kube.labels import COMPONENT
from archesai_infra.stack.evaluate import Evaluation, Resource
from archesai_infra.stack.parts import module_of

CERTIFICATE_DAYS = 14
"""Days before a certificate's end that it counts as near."""
BACKUP_AGE = timedelta(hours=2)
"""Age from which the newest backup is too old: twice the hour between two."""

NOTHING_DEPLOYED = "nothing is deployed yet"
_ABSENT = "does not exist"
_NO_IMAGE = (" ImagePullBackOff", " ErrImagePull", " InvalidImageName", " ErrImageNeverPull")
"""What the kubelet calls an image that it cannot have."""
_WORKLOADS = ("Deployment", "StatefulSet", "Job")


@dataclass(frozen=True)
class Line:
    """One part of the stack and its status."""

    module: str
    name: str
    """Kind and name."""
    status: Status
    text: str
    next: str = ""
    """The command that shows more, or corrects it."""


def look(cluster: Cluster, evaluation: Evaluation, instance: str, now: datetime) -> list[Line]:
    """Everything about the stack, one line before its first `up`; raises ClusterError."""
    owner = owner_of(cluster, evaluation.settings.namespace)
    if owner is None and not any(_find(cluster, item) for item in _declared(evaluation, *_WORKLOADS)):
        return [Line("", f"Stack {instance}", "problem", NOTHING_DEPLOYED, f"arches up --stack {instance}")]
    return [
        *_owner(evaluation, owner, instance),
        *_workloads(cluster, evaluation, instance),
        *_databases(cluster, evaluation, instance),
        *_services(cluster, evaluation),
        *_claims(cluster, evaluation),
        *_releases(cluster, evaluation),
        *_certificates(cluster, evaluation, now),
        *_backups(cluster, evaluation, instance, now),
    ]


def _owner(evaluation: Evaluation, owner: str | None, instance: str) -> Iterator[Line]:
    """A problem where the namespace belongs to another stack: everything below is then that stack's."""
    if owner not in (None, instance):
        name = f"Namespace {evaluation.settings.namespace}"
        yield Line("security", name, "problem", f"belongs to stack {owner}", f"arches status -s {owner}")


def _declared(evaluation: Evaluation, *kinds: str) -> list[Object]:
    return sorted(
        (item for item in evaluation.objects if item["kind"] in kinds), key=lambda item: item["metadata"]["name"]
    )


def _line(item: Object, status: Status, text: str, command: str = "") -> Line:
    metadata = item["metadata"]
    module = metadata.get("labels", {}).get(COMPONENT, "")
    return Line(module, f"{item['kind']} {metadata['name']}", status, text, "" if status == "ok" else command)


def _find(cluster: Cluster, item: Object) -> Object | None:
    """What the cluster has of a declared object."""
    metadata = item["metadata"]
    found = cluster.find(path(item["kind"], metadata["namespace"], metadata["name"]))
    return _newest_run(cluster, item) if found is None and item["kind"] == "Job" else found


def _newest_run(cluster: Cluster, item: Object) -> Object | None:
    """The last Job of a component: its name also follows from Secrets that it reads, which only the engine knows."""
    metadata = item["metadata"]
    runs = cluster.list(path("Job", metadata["namespace"]), labels=f"{COMPONENT}={metadata['labels'][COMPONENT]}")
    newest = max(runs, key=lambda run: run["metadata"]["creationTimestamp"], default=None)
    return newest and {"kind": "Job", **newest}


def _workloads(cluster: Cluster, evaluation: Evaluation, instance: str) -> Iterator[Line]:
    for item in _declared(evaluation, *_WORKLOADS):
        module = module_of(item["metadata"].get("labels", {}).get(COMPONENT, ""))
        live = _find(cluster, item)
        if live is None:
            yield _line(item, "problem", _ABSENT, f"arches up --stack {instance}")
            continue
        status, text = job(live) if item["kind"] == "Job" else rollout(live)
        labels = ",".join(f"{key}={value}" for key, value in live["spec"]["selector"]["matchLabels"].items())
        why = "" if status == "ok" else pods.reason(cluster, item["metadata"]["namespace"], labels)
        yield _line(live, status, f"{text}{': ' + why if why else ''}", next_command(why, module, instance))


def next_command(why: str, module: str, stack: str) -> str:
    """What helps first with a workload whose pod is not ready for this reason.

    A container whose image cannot be pulled has no log, and the image that ran before is one commit away.
    """
    if any(reason in why for reason in _NO_IMAGE):
        return f"arches rollback --stack {stack}"
    return f"arches logs {module}{' --previous' if ' CrashLoopBackOff' in why else ''} --stack {stack}"


def _databases(cluster: Cluster, evaluation: Evaluation, instance: str) -> Iterator[Line]:
    """What an operator runs: the first pod of it that does not run says why."""
    looks = {"Cluster": databases.postgres, "Pooler": databases.pooler}
    for item in _declared(evaluation, *looks):
        live = _find(cluster, item)
        if live is None:
            yield _line(item, "problem", _ABSENT, f"arches up --stack {instance}")
            continue
        status, text = looks[item["kind"]](live)
        name = item["metadata"]["name"]
        labels = f"{CLUSTER_LABEL}={name}" if item["kind"] == "Cluster" else f"{POOLER_LABEL}={name}"
        why = "" if status == "ok" else pods.reason(cluster, item["metadata"]["namespace"], labels)
        yield _line(item, status, f"{text}{': ' + why if why else ''}", f"arches logs database --stack {instance}")


def rollout(live: Object) -> tuple[Status, str]:
    """How far the pods of a Deployment or StatefulSet are."""
    spec, status = live["spec"], live.get("status", {})
    wanted, ready = spec.get("replicas", 1), status.get("readyReplicas", 0)
    image = spec["template"]["spec"]["containers"][0]["image"]
    behind = status.get("observedGeneration", 0) < live["metadata"].get("generation", 0)
    if behind or status.get("updatedReplicas", 0) < wanted:
        return "warning", f"rolling, {status.get('updatedReplicas', 0)} of {wanted} are new, {ready} ready, {image}"
    if ready < wanted:
        return "problem", f"{ready} of {wanted} ready, {image}"
    return "ok", f"{ready} of {wanted} ready, {image}"


def job(live: Object) -> tuple[Status, str]:
    """Whether a Job is done."""
    for condition in live.get("status", {}).get("conditions", []):
        if condition["status"] == "True" and condition["type"] in ("Complete", "Failed"):
            if condition["type"] == "Complete":
                return "ok", "done"
            return "problem", f"failed: {condition.get('message', condition.get('reason', ''))}"
    return "warning", "running"


def _services(cluster: Cluster, evaluation: Evaluation) -> Iterator[Line]:
    for item in _declared(evaluation, "Service"):
        if item["spec"].get("clusterIP") == "None":
            continue
        namespace, name = item["metadata"]["namespace"], item["metadata"]["name"]
        slices = cluster.list(path("EndpointSlice", namespace), labels=f"kubernetes.io/service-name={name}")
        ready = sum(map(ready_endpoints, slices))
        ports = ", ".join(str(port["port"]) for port in item["spec"]["ports"])
        command = cluster.kubectl(namespace, f"describe service {name}")
        yield _line(item, "ok" if ready else "problem", f"{counted(ready, 'endpoint')} on {ports}", command)


def ready_endpoints(endpoint_slice: Object) -> int:
    """Addresses of an EndpointSlice that take traffic; unset means ready."""
    return sum(
        len(endpoint["addresses"])
        for endpoint in endpoint_slice.get("endpoints") or []
        if endpoint.get("conditions", {}).get("ready") is not False
    )


def _claims(cluster: Cluster, evaluation: Evaluation) -> Iterator[Line]:
    for item in _declared(evaluation, "PersistentVolumeClaim"):
        live = _find(cluster, item)
        phase = _ABSENT if live is None else str(live["status"].get("phase", "?"))
        size = live["status"].get("capacity", {}).get("storage", "") if live else ""
        metadata = item["metadata"]
        command = cluster.kubectl(metadata["namespace"], f"describe persistentvolumeclaim {metadata['name']}")
        yield _line(item, "ok" if phase == "Bound" else "problem", f"{phase} {size}".strip(), command)


def _releases(cluster: Cluster, evaluation: Evaluation) -> Iterator[Line]:
    for release in evaluation.releases:
        name, namespace = str(release.inputs["name"]), str(release.inputs["namespace"])
        records = cluster.list(path("Secret", namespace), labels=f"owner=helm,name={name}")
        status, text = chart(records, release)
        command = "" if status == "ok" else cluster.kubectl(namespace, "get pods,events")
        yield Line("charts", f"Release {namespace}/{name}", status, text, command)


def chart(records: list[Object], release: Resource) -> tuple[Status, str]:
    """How a Helm release is, by Helm's own records of its revisions."""
    version = release.inputs.get("version", "")
    if not records:
        return "problem", f"is not installed ({version})"
    newest = max(records, key=lambda record: int(record["metadata"]["labels"].get("version", 0)))
    state = str(newest["metadata"]["labels"].get("status", "unknown"))
    return ("ok" if state == "deployed" else "problem"), f"{state}, chart {version}"


def _certificates(cluster: Cluster, evaluation: Evaluation, now: datetime) -> Iterator[Line]:
    settings = evaluation.settings
    if not (settings.ingress.enabled and settings.ingress.tls.enabled and settings.ingress.tls.issuer):
        return
    certificates = cluster.list(path("Certificate", settings.namespace))
    for item in sorted(certificates, key=lambda item: item["metadata"]["name"]):
        status, text = certificate(item, now)
        name = item["metadata"]["name"]
        command = cluster.kubectl(settings.namespace, f"describe certificate,certificaterequest,order {name}")
        yield Line("ingress", f"Certificate {name}", status, text, "" if status == "ok" else command)
    if not certificates:
        yield Line("ingress", "Certificates", "problem", "do not exist; is cert-manager running?", "arches doctor")


def certificate(item: Object, now: datetime) -> tuple[Status, str]:
    """Whether a certificate is ready, and how long it is valid."""
    status = item.get("status", {})
    ready = next((item for item in status.get("conditions", []) if item["type"] == "Ready"), {})
    if ready.get("status") != "True":
        return "problem", f"is not ready: {ready.get('message', 'no reason given yet')}"
    days = (moment(status["notAfter"]) - now).days
    return ("warning" if days < CERTIFICATE_DAYS else "ok"), f"ends in {days} days"


def _backups(cluster: Cluster, evaluation: Evaluation, instance: str, now: datetime) -> Iterator[Line]:
    settings = evaluation.settings
    if not settings.backups.enabled:
        return
    every = cluster.list(path("Backup", settings.backups.velero.namespace))
    ours = [item for item in every if settings.namespace in item.get("spec", {}).get("includedNamespaces", [])]
    status, text = backups(ours, now)
    command = "" if status == "ok" else f"arches backup list --stack {instance}"
    yield Line("backups", f"Backups of {instance}", status, text, command)
    for item in _declared(evaluation, "CronJob"):
        live = _find(cluster, item)
        yield _line(item, *cron(live, now), _run_now(cluster, item) if live else f"arches up --stack {instance}")


def _run_now(cluster: Cluster, item: Object) -> str:
    """The command that runs a CronJob without waiting for its time."""
    name = item["metadata"]["name"]
    return cluster.kubectl(item["metadata"]["namespace"], f"create job {name}-now --from=cronjob/{name}")


def backups(listed: list[Object], now: datetime) -> tuple[Status, str]:
    """How old the newest whole backup is; a partly failed one does not count."""
    ended = [item for item in listed if item.get("status", {}).get("completionTimestamp")]
    whole = [item for item in ended if item["status"].get("phase") == "Completed"]
    if not whole:
        return "problem", f"no completed backup among {len(listed)}"
    newest = max(whole, key=lambda item: moment(item["status"]["completionTimestamp"]))
    age = now - moment(newest["status"]["completionTimestamp"])
    later = [item for item in ended if item not in whole and _ended(item) > _ended(newest)]
    text = f"newest is {newest['metadata']['name']}, {duration(age.total_seconds())} old"
    if later:
        return "problem", f"{text}; after it {later[-1]['metadata']['name']} {later[-1]['status'].get('phase')}"
    return ("problem" if age > BACKUP_AGE else "ok"), text


def _ended(item: Object) -> datetime:
    return moment(item["status"]["completionTimestamp"])


def cron(live: Object | None, now: datetime) -> tuple[Status, str]:
    """When a CronJob last succeeded."""
    if live is None:
        return "problem", _ABSENT
    status = live.get("status", {})
    last = status.get("lastSuccessfulTime")
    if last is None:
        return "warning", "has not succeeded yet" if "lastScheduleTime" in status else "has not run yet"
    return "ok", f"succeeded {duration((now - moment(last)).total_seconds())} ago"


def summary(lines: list[Line]) -> dict[str, Any]:
    """The whole in figures."""
    return {status: sum(line.status == status for line in lines) for status in ("ok", "warning", "problem")}
