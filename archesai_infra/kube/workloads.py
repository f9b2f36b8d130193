"""Specs of the objects that run pods, and of what scales and protects them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi
from pulumi_kubernetes.apps.v1 import DeploymentSpecArgsDict, StatefulSetSpecArgsDict
from pulumi_kubernetes.autoscaling.v2 import (
    HorizontalPodAutoscalerBehaviorArgsDict,
    HorizontalPodAutoscalerSpecArgsDict,
    HPAScalingRulesArgsDict,
    MetricSpecArgsDict,
)
from pulumi_kubernetes.batch.v1 import JobSpecArgsDict
from pulumi_kubernetes.core.v1 import PodSpecArgsDict, PodTemplateSpecArgsDict
from pulumi_kubernetes.policy.v1 import PodDisruptionBudgetSpecArgsDict

from archesai_infra.kube.labels import labels, selector
from archesai_infra.kube.storage import claim_spec

TOLERANCE_MINOR = 35
"""First Kubernetes 1.x whose autoscalers have a tolerance by default; earlier ones drop the field."""

REVISION_HISTORY = 5
"""Old revisions kept for `kubectl rollout undo`."""


def pod_template(
    component: str, instance: str, pod: PodSpecArgsDict, annotations: Mapping[str, pulumi.Input[str]] | None = None
) -> PodTemplateSpecArgsDict:
    """A pod template; a change of any annotation rolls its pods."""
    if annotations:
        return {"metadata": {"labels": labels(component, instance), "annotations": dict(annotations)}, "spec": pod}
    return {"metadata": {"labels": labels(component, instance)}, "spec": pod}


def deployment_spec(
    component: str, instance: str, template: PodTemplateSpecArgsDict, *, replicas: int, min_ready_seconds: int
) -> DeploymentSpecArgsDict:
    """A Deployment that never has fewer pods than asked for."""
    spec: DeploymentSpecArgsDict = {
        "selector": {"match_labels": selector(component, instance)},
        "revision_history_limit": REVISION_HISTORY,
        "strategy": {"type": "RollingUpdate", "rolling_update": {"max_surge": 1, "max_unavailable": 0}},
        "replicas": replicas,
        "template": template,
    }
    if min_ready_seconds:
        # A zero would be drift: servers leave it out of what they hold.
        spec["min_ready_seconds"] = min_ready_seconds
    return spec


def stateful_set_spec(
    component: str,
    instance: str,
    template: PodTemplateSpecArgsDict,
    *,
    service_name: str,
    replicas: int = 1,
    claims: Sequence[str] = (),
) -> StatefulSetSpecArgsDict:
    """A StatefulSet whose claims are objects of their own and outlive it.

    Each pod of several takes the claim `<claim>-<set>-<number>` for each of `claims`.

    Parallel: a pod that never becomes ready must not keep the controller from rolling out its correction
    (kubernetes/kubernetes#67250).
    """
    spec: StatefulSetSpecArgsDict = {
        "selector": {"match_labels": selector(component, instance)},
        "service_name": service_name,
        "replicas": replicas,
        "pod_management_policy": "Parallel",
        "revision_history_limit": REVISION_HISTORY,
        "update_strategy": {"type": "RollingUpdate"},
        "persistent_volume_claim_retention_policy": {"when_deleted": "Retain", "when_scaled": "Retain"},
        "template": template,
    }
    if claims:
        # They are immutable and only name claims that exist: nothing in them follows from configuration.
        spec["volume_claim_templates"] = [
            {"metadata": {"name": claim}, "spec": claim_spec("1Gi", None)} for claim in claims
        ]
    return spec


def job_spec(template: PodTemplateSpecArgsDict, *, retries: int, deadline_seconds: int) -> JobSpecArgsDict:
    """A Job without a time to live: one that vanished would be run again by the next refresh."""
    return {"backoff_limit": retries, "active_deadline_seconds": deadline_seconds, "template": template}


def budget_spec(component: str, instance: str) -> PodDisruptionBudgetSpecArgsDict:
    """Drains take one pod at a time and never wait for a pod that is broken anyway."""
    return {
        "selector": {"match_labels": selector(component, instance)},
        "max_unavailable": 1,
        "unhealthy_pod_eviction_policy": "AlwaysAllow",
    }


def autoscaler_spec(
    deployment: str,
    *,
    minimum: int,
    maximum: int,
    cpu_percent: int,
    memory_percent: int,
    container: str,
    tolerance_percent: int | None = None,
) -> HorizontalPodAutoscalerSpecArgsDict:
    """Scale a Deployment on the use of its requests; scale down slowly, so that a pause is no outage.

    Only `container` counts: what a service mesh adds to the pod has requests of its own. A deviation from the target
    below `tolerance_percent` changes nothing; 10 where it is None.
    """
    metrics: list[MetricSpecArgsDict] = [
        {
            "type": "ContainerResource",
            "container_resource": {
                "name": name,
                "container": container,
                "target": {"type": "Utilization", "average_utilization": percent},
            },
        }
        for name, percent in (("cpu", cpu_percent), ("memory", memory_percent))
    ]
    down: HPAScalingRulesArgsDict = {"stabilization_window_seconds": 300}
    behavior: HorizontalPodAutoscalerBehaviorArgsDict = {"scale_down": down}
    if tolerance_percent is not None:
        # Tenths of a percent are thousandths: as the API server writes the number.
        down["tolerance"] = f"{10 * tolerance_percent}m"
        behavior["scale_up"] = {"tolerance": f"{10 * tolerance_percent}m"}
    return {
        "scale_target_ref": {"api_version": "apps/v1", "kind": "Deployment", "name": deployment},
        "min_replicas": minimum,
        "max_replicas": maximum,
        "metrics": metrics,
        "behavior": behavior,
    }
