"""What became of a stack in its cluster: rollouts, endpoints, certificates and backups at a glance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from archesai_infra.cli.base.cluster import Cluster, Object
from archesai_infra.stack.evaluate import Evaluation

CERTIFICATE_DAYS = 14
"""Days before a certificate's end that it counts as near."""
BACKUP_AGE = timedelta(hours=2)
"""Age from which the newest backup is too old: twice the hour between two."""

Status = Literal["ok", "warning", "problem"]
_COMPONENT = "app.kubernetes.io/component"


@dataclass(frozen=True)
class Line:
    """One thing of the stack and how it is."""

    module: str
    name: str
    """Kind and name."""
    status: Status
    text: str


def look(cluster: Cluster, evaluation: Evaluation, instance: str, now: datetime) -> list[Line]:
    """Everything about the stack; raises ClusterError."""
    return [
        *_workloads(cluster, evaluation),
        *_services(cluster, evaluation),
        *_claims(cluster, evaluation),
        *_certificates(cluster, evaluation, now),
        *_backups(cluster, evaluation, instance, now),
    ]


def _declared(evaluation: Evaluation, *kinds: str) -> list[Object]:
    return sorted(
        (item for item in evaluation.objects if item["kind"] in kinds), key=lambda item: item["metadata"]["name"]
    )


def _line(item: Object, status: Status, text: str) -> Line:
    metadata = item["metadata"]
    module = metadata.get("labels", {}).get(_COMPONENT, "")
    return Line(module, f"{item['kind']} {metadata['name']}", status, text)


_PATHS = {"Deployment": "apps/v1", "StatefulSet": "apps/v1", "Job": "batch/v1"}


def _workloads(cluster: Cluster, evaluation: Evaluation) -> Iterator[Line]:
    for item in _declared(evaluation, *_PATHS):
        kind, name = str(item["kind"]), item["metadata"]["name"]
        namespace = item["metadata"]["namespace"]
        found = cluster.find(f"/apis/{_PATHS[kind]}/namespaces/{namespace}/{kind.lower()}s/{name}")
        if found is None:
            yield _line(item, "problem", "is not there; run arches up")
        else:
            status, text = job(found) if kind == "Job" else rollout(found)
            why = "" if status == "ok" else _reason(cluster, namespace, found)
            yield _line(item, status, f"{text}{': ' + why if why else ''}")


def rollout(found: Object) -> tuple[Status, str]:
    """How far the pods of a Deployment or StatefulSet are."""
    spec, status = found["spec"], found.get("status", {})
    wanted, ready = spec.get("replicas", 1), status.get("readyReplicas", 0)
    image = spec["template"]["spec"]["containers"][0]["image"]
    behind = status.get("observedGeneration", 0) < found["metadata"].get("generation", 0)
    if behind or status.get("updatedReplicas", 0) < wanted:
        return "warning", f"rolling, {status.get('updatedReplicas', 0)} of {wanted} are new, {ready} ready, {image}"
    if ready < wanted:
        return "problem", f"{ready} of {wanted} ready, {image}"
    return "ok", f"{ready} of {wanted} ready, {image}"


def job(found: Object) -> tuple[Status, str]:
    """Whether a Job is done."""
    for condition in found.get("status", {}).get("conditions", []):
        if condition["status"] == "True" and condition["type"] in ("Complete", "Failed"):
            if condition["type"] == "Complete":
                return "ok", "done"
            return "problem", f"failed: {condition.get('message', condition.get('reason', ''))}"
    return "warning", "running"


def _reason(cluster: Cluster, namespace: str, found: Object) -> str:
    """Why a pod of it does not run, in the kubelet's or the scheduler's words."""
    labels = ",".join(f"{key}={value}" for key, value in found["spec"]["selector"]["matchLabels"].items())
    for pod in cluster.list(f"/api/v1/namespaces/{namespace}/pods", labels=labels):
        if reason := pod_problem(pod):
            return f"{pod['metadata']['name']} {reason}"
    return ""


def pod_problem(pod: Object) -> str:
    """Why a pod is not ready; empty where it is, or where nothing is said."""
    status = pod.get("status", {})
    for container in [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]:
        waiting = container.get("state", {}).get("waiting")
        if waiting and waiting.get("reason") not in (None, "ContainerCreating", "PodInitializing"):
            return f"{waiting['reason']} {waiting.get('message', '')}".strip()
    for condition in status.get("conditions", []):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return f"is not scheduled: {condition.get('message', condition.get('reason', ''))}"
    return ""


def _services(cluster: Cluster, evaluation: Evaluation) -> Iterator[Line]:
    for item in _declared(evaluation, "Service"):
        if item["spec"].get("clusterIP") == "None":
            continue
        namespace, name = item["metadata"]["namespace"], item["metadata"]["name"]
        path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
        slices = cluster.list(path, labels=f"kubernetes.io/service-name={name}")
        ready = sum(ready_endpoints(one) for one in slices)
        ports = ", ".join(str(port["port"]) for port in item["spec"]["ports"])
        text = f"{ready} endpoint{'' if ready == 1 else 's'} on {ports}"
        yield _line(item, "ok" if ready else "problem", text)


def ready_endpoints(one: Object) -> int:
    """Addresses of an EndpointSlice that take traffic; unset means ready."""
    return sum(
        len(endpoint["addresses"])
        for endpoint in one.get("endpoints") or []
        if endpoint.get("conditions", {}).get("ready") is not False
    )


def _claims(cluster: Cluster, evaluation: Evaluation) -> Iterator[Line]:
    for item in _declared(evaluation, "PersistentVolumeClaim"):
        namespace, name = item["metadata"]["namespace"], item["metadata"]["name"]
        found = cluster.find(f"/api/v1/namespaces/{namespace}/persistentvolumeclaims/{name}")
        phase = "is not there" if found is None else str(found["status"].get("phase", "?"))
        size = found["status"].get("capacity", {}).get("storage", "") if found else ""
        yield _line(item, "ok" if phase == "Bound" else "problem", f"{phase} {size}".strip())


def _certificates(cluster: Cluster, evaluation: Evaluation, now: datetime) -> Iterator[Line]:
    settings = evaluation.settings
    if not (settings.ingress.enabled and settings.ingress.tls.enabled and settings.ingress.tls.issuer):
        return
    found = cluster.list(f"/apis/cert-manager.io/v1/namespaces/{settings.namespace}/certificates")
    for item in sorted(found, key=lambda one: one["metadata"]["name"]):
        status, text = certificate(item, now)
        yield Line("ingress", f"Certificate {item['metadata']['name']}", status, text)
    if not found:
        yield Line("ingress", "Certificates", "problem", "there are none; is cert-manager running?")


def certificate(item: Object, now: datetime) -> tuple[Status, str]:
    """Whether a certificate is there, and how long it lasts."""
    status = item.get("status", {})
    ready = next((one for one in status.get("conditions", []) if one["type"] == "Ready"), {})
    if ready.get("status") != "True":
        return "problem", f"is not ready: {ready.get('message', 'nothing said yet')}"
    days = (moment(status["notAfter"]) - now).days
    return ("warning" if days < CERTIFICATE_DAYS else "ok"), f"ends in {days} days"


def moment(text: str) -> datetime:
    """A time of the API server."""
    return datetime.fromisoformat(text).astimezone(UTC)


def _backups(cluster: Cluster, evaluation: Evaluation, instance: str, now: datetime) -> Iterator[Line]:
    settings = evaluation.settings
    if not settings.backups.enabled:
        return
    namespace = settings.backups.velero.namespace
    every = cluster.list(f"/apis/velero.io/v1/namespaces/{namespace}/backups")
    ours = [item for item in every if settings.namespace in item.get("spec", {}).get("includedNamespaces", [])]
    yield Line("backups", f"Backups of {instance}", *backups(ours, now))
    for item in _declared(evaluation, "CronJob"):
        path = f"/apis/batch/v1/namespaces/{item['metadata']['namespace']}/cronjobs/{item['metadata']['name']}"
        yield _line(item, *cron(cluster.find(path), now))


def backups(found: list[Object], now: datetime) -> tuple[Status, str]:
    """How old the newest whole backup is; a partly failed one is none."""
    ended = [item for item in found if item.get("status", {}).get("completionTimestamp")]
    whole = [item for item in ended if item["status"].get("phase") == "Completed"]
    if not whole:
        return "problem", f"no completed backup among {len(found)}"
    newest = max(whole, key=lambda item: moment(item["status"]["completionTimestamp"]))
    age = now - moment(newest["status"]["completionTimestamp"])
    later = [item for item in ended if item not in whole and _ended(item) > _ended(newest)]
    text = f"newest is {newest['metadata']['name']}, {_told(age)} old"
    if later:
        return "problem", f"{text}; after it {later[-1]['metadata']['name']} {later[-1]['status'].get('phase')}"
    return ("problem" if age > BACKUP_AGE else "ok"), text


def _ended(item: Object) -> datetime:
    return moment(item["status"]["completionTimestamp"])


def cron(found: Object | None, now: datetime) -> tuple[Status, str]:
    """When a CronJob last succeeded."""
    if found is None:
        return "problem", "is not there; run arches up"
    last = found.get("status", {}).get("lastSuccessfulTime")
    if last is None:
        return "warning", "has not succeeded yet"
    return "ok", f"succeeded {_told(now - moment(last))} ago"


def _told(age: timedelta) -> str:
    minutes = int(age.total_seconds()) // 60
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"  # noqa: PLR2004 - minutes up to two hours


def summary(lines: list[Line]) -> dict[str, Any]:
    """The whole in figures."""
    return {status: sum(line.status == status for line in lines) for status in ("ok", "warning", "problem")}
