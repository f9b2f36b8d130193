"""Pods, volumes, Jobs, quota and nodes: what Kubernetes reports about the stack's objects."""

from __future__ import annotations

from collections.abc import Iterator

from archesai_infra.components.base.watch.alerts import Alert, Group
from archesai_infra.components.monitoring.watched import Watched
from archesai_infra.kube.names import object_name

_CANNOT_START = (
    "CreateContainerConfigError",
    "CreateContainerError",
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "RunContainerError",
)
"""Reasons of the kubelet for a container that it cannot start."""
_RUNNERS = ("deployment", "statefulset")


def group(watched: Watched) -> Group:
    """The rules on kube-state-metrics' metrics."""
    alerts = [*_pods(watched), *_replicas(watched), *_claims_and_jobs(watched), *_limits(watched)]
    return Group("archesai-workloads", alerts)


def _pods(watched: Watched) -> Iterator[Alert]:
    own = f'namespace=~"{watched.target_namespaces}"'
    waiting = f"kube_pod_container_status_waiting_reason{{{own}"
    # A container between two restarts is not in back-off at each scrape.
    yield Alert(
        "PodCrashLooping",
        f'max_over_time({waiting},reason="CrashLoopBackOff"}}[5m]) == 1',
        "critical",
        "Container {{ $labels.container }} of {{ $labels.pod }} ends again and again.",
        "10m",
    )
    reasons = "|".join(_CANNOT_START)
    yield Alert(
        "PodCannotStart",
        f'max by (namespace, pod, container, reason) (max_over_time({waiting},reason=~"{reasons}"}}[5m])) == 1',
        "critical",
        "Container {{ $labels.container }} of {{ $labels.pod }} does not start: {{ $labels.reason }}.",
        "10m",
    )
    ended = f'kube_pod_container_status_last_terminated_reason{{{own},reason="OOMKilled"}} == 1'
    restarted = f"increase(kube_pod_container_status_restarts_total{{{own}}}[15m]) > 0"
    yield Alert(
        "ContainerOutOfMemory",
        f"({ended}) and on (namespace, pod, container) ({restarted})",
        "warning",
        "Container {{ $labels.container }} of {{ $labels.pod }} was ended for using more than its memory limit.",
    )
    yield Alert(
        "PodUnschedulable",
        f"kube_pod_status_unschedulable{{{own}}} == 1",
        "critical",
        "No node takes pod {{ $labels.pod }}.",
        "10m",
    )


def _replicas(watched: Watched) -> Iterator[Alert]:
    own = f'namespace=~"{watched.target_namespaces}"'
    missing = (
        f"kube_deployment_spec_replicas{{{own}}} > kube_deployment_status_replicas_available{{{own}}}",
        f"kube_statefulset_replicas{{{own}}} > kube_statefulset_status_replicas_ready{{{own}}}",
    )
    name = "{{ or $labels.deployment $labels.statefulset }}"
    yield Alert(
        "ReplicasMissing", " or ".join(missing), "warning", f"{name} has fewer ready pods than it should have.", "15m"
    )
    stuck = (
        f'kube_deployment_status_condition{{{own},condition="Progressing",status="false"}} == 1',
        f"kube_statefulset_replicas{{{own}}} > kube_statefulset_status_replicas_updated{{{own}}}",
    )
    yield Alert(
        "RolloutStuck", " or ".join(stuck), "warning", f"The rollout of {name} does not come to its end.", "15m"
    )
    target = "namespace, horizontalpodautoscaler"
    bound = f"kube_horizontalpodautoscaler_spec_max_replicas{{{own}}}"
    floor = f"kube_horizontalpodautoscaler_spec_min_replicas{{{own}}}"
    current = f"kube_horizontalpodautoscaler_status_current_replicas{{{own}}}"
    yield Alert(
        "AutoscalerAtMaximum",
        f"({current} >= on ({target}) {bound}) and on ({target}) ({bound} > on ({target}) {floor})",
        "warning",
        "{{ $labels.horizontalpodautoscaler }} runs its maximum of {{ $value }} pods.",
        "30m",
    )


def _claims_and_jobs(watched: Watched) -> Iterator[Alert]:
    own = f'namespace=~"{watched.target_namespaces}"'
    yield Alert(
        "ClaimPending",
        f'kube_persistentvolumeclaim_status_phase{{{own},phase="Pending"}} == 1',
        "critical",
        "Volume claim {{ $labels.persistentvolumeclaim }} gets no volume.",
        "15m",
    )
    others = f'job_name!~"{object_name("migrations")}.*",condition="true"'
    yield Alert(
        "JobFailed",
        f"kube_job_failed{{{own},{others}}} == 1",
        "warning",
        "Job {{ $labels.job_name }} failed.",
        "15m",
    )


def _limits(watched: Watched) -> Iterator[Alert]:
    own = f'namespace="{watched.namespace}"'
    used = f'kube_resourcequota{{{own},type="used"}}'
    hard = f'kube_resourcequota{{{own},type="hard"}}'
    yield Alert(
        "QuotaNearlyFull",
        f"{used} / ignoring (type) ({hard} > 0) > 0.9",
        "warning",
        "{{ $value | humanizePercentage }} of the quota for {{ $labels.resource }} is used.",
        "15m",
    )
    if watched.settings.installs:
        yield Alert(
            "NodeNotReady",
            'kube_node_status_condition{condition="Ready",status="true"} == 0',
            "critical",
            "Node {{ $labels.node }} is not ready: pods of its StatefulSets wait until it is declared out of service.",
            "5m",
        )
