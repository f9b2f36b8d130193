"""What runs, scales and guards pods, as plain dicts."""

from __future__ import annotations

from pulumi_kubernetes.core.v1 import PodSpecArgsDict

from archesai_infra.kube.labels import labels, selector
from archesai_infra.kube.workloads import (
    autoscaler_spec,
    budget_spec,
    deployment_spec,
    job_spec,
    pod_template,
    stateful_set_spec,
)

POD: PodSpecArgsDict = {"containers": [{"name": "api"}]}
TEMPLATE = pod_template("api", "dev", POD)


def test_a_pod_template_has_the_labels_of_its_component() -> None:
    assert {"metadata": {"labels": labels("api", "dev")}, "spec": POD} == TEMPLATE


def test_annotations_of_a_template_roll_its_pods() -> None:
    assert pod_template("api", "dev", POD, {"digest": "1"}).get("metadata") == {
        "labels": labels("api", "dev"),
        "annotations": {"digest": "1"},
    }


def test_a_deployment_has_a_new_pod_before_an_old_one_goes() -> None:
    assert deployment_spec("api", "dev", TEMPLATE, replicas=2, min_ready_seconds=5) == {
        "selector": {"match_labels": selector("api", "dev")},
        "revision_history_limit": 5,
        "min_ready_seconds": 5,
        "strategy": {"type": "RollingUpdate", "rolling_update": {"max_surge": 1, "max_unavailable": 0}},
        "template": TEMPLATE,
        "replicas": 2,
    }


def test_a_stateful_set_has_one_pod_and_never_deletes_a_claim() -> None:
    assert stateful_set_spec("redis", "dev", TEMPLATE, service_name="archesai-redis-headless") == {
        "selector": {"match_labels": selector("redis", "dev")},
        "service_name": "archesai-redis-headless",
        "replicas": 1,
        "pod_management_policy": "Parallel",
        "revision_history_limit": 5,
        "update_strategy": {"type": "RollingUpdate"},
        "persistent_volume_claim_retention_policy": {"when_deleted": "Retain", "when_scaled": "Retain"},
        "template": TEMPLATE,
    }


def test_a_job_stays_after_its_end() -> None:
    assert job_spec(TEMPLATE, retries=3, deadline_seconds=600) == {
        "backoff_limit": 3,
        "active_deadline_seconds": 600,
        "template": TEMPLATE,
    }


def test_a_budget_lets_one_pod_go_at_a_time_and_any_broken_one() -> None:
    assert budget_spec("api", "dev") == {
        "selector": {"match_labels": selector("api", "dev")},
        "max_unavailable": 1,
        "unhealthy_pod_eviction_policy": "AlwaysAllow",
    }


def _metric(name: str, percent: int) -> dict[str, object]:
    target = {"type": "Utilization", "average_utilization": percent}
    resource = {"name": name, "container": "api", "target": target}
    return {"type": "ContainerResource", "container_resource": resource}


def test_an_autoscaler_aims_at_the_use_of_one_containers_requests_and_scales_down_slowly() -> None:
    spec = autoscaler_spec("archesai-api", minimum=3, maximum=10, cpu_percent=70, memory_percent=80, container="api")
    assert spec == {
        "scale_target_ref": {"api_version": "apps/v1", "kind": "Deployment", "name": "archesai-api"},
        "min_replicas": 3,
        "max_replicas": 10,
        "metrics": [_metric("cpu", 70), _metric("memory", 80)],
        "behavior": {"scale_down": {"stabilization_window_seconds": 300}},
    }
