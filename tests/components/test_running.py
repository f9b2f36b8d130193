"""What holds for every module with pods."""

from __future__ import annotations

import pytest

from archesai_infra.stack.config import ConfigError
from testbed.components.parts import resource, template
from testbed.matrix import EVERYTHING, MATRIX, PRODUCTION
from testbed.stacks import Config, find, render


@pytest.mark.parametrize("name", ["api-deployment", "platform-deployment"])
def test_a_new_pod_of_production_proves_itself_before_an_old_one_goes(name: str) -> None:
    assert resource(render(PRODUCTION), name).inputs["spec"]["minReadySeconds"] == 5


@pytest.mark.parametrize("name", ["api-deployment", "platform-deployment"])
def test_an_up_of_development_does_not_wait_for_a_pod_that_is_ready(name: str) -> None:
    assert "minReadySeconds" not in resource(render(EVERYTHING), name).inputs["spec"]


@pytest.mark.long
def test_two_jobs_of_one_name_have_one_template() -> None:
    templates: dict[tuple[str, str], object] = {}
    for config in MATRIX.values():
        for item in render(config).objects:
            if item["kind"] == "Job":
                key = (item["metadata"]["namespace"], item["metadata"]["name"])
                assert templates.setdefault(key, item["spec"]["template"]) == item["spec"]["template"], key
    assert len({name.rpartition("-")[0] for _, name in templates}) >= 2


@pytest.mark.parametrize("module", ["api", "platform", "unstructured", "scraper"])
def test_an_autoscaled_deployment_is_created_with_the_minimum_and_keeps_its_number_from_then_on(module: str) -> None:
    scaled = {"enabled": True, "autoscaling": {"enabled": True, "minReplicas": 4}}
    deployment = resource(render({module: scaled}), f"{module}-deployment")
    assert deployment.inputs["spec"]["replicas"] == 4
    assert deployment.ignore_changes == ("spec.replicas",)
    fixed = resource(render({module: {"enabled": True, "replicas": 4}}), f"{module}-deployment")
    assert fixed.ignore_changes == ()


@pytest.mark.parametrize("module", ["unstructured", "scraper"])
def test_a_worker_scales_with_its_load_and_gives_way_to_data(module: str) -> None:
    worker = {module: {"enabled": True, "autoscaling": {"enabled": True, "minReplicas": 1, "maxReplicas": 5}}}
    stack = render(worker | {"redis": {"enabled": True}, "scheduling": {"workerPriorityClass": "workers"}})
    spec = find(stack, "HorizontalPodAutoscaler", f"archesai-{module}")["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (1, 5)
    assert spec["scaleTargetRef"]["name"] == f"archesai-{module}"
    assert template(stack, "Deployment", f"archesai-{module}")["spec"]["priorityClassName"] == "workers"
    for name in ("archesai-redis", "archesai-postgres"):
        assert "priorityClassName" not in template(stack, "StatefulSet", name)["spec"]
    assert "priorityClassName" not in template(stack, "Deployment", "archesai-api")["spec"]


def test_a_stack_makes_the_class_of_its_workers_with_its_own_name_where_it_is_asked_to() -> None:
    stack = render({"scraper": {"enabled": True}, "scheduling": {"workerPriority": -100}})
    made = find(stack, "PriorityClass", "archesai-workers")
    assert (made["value"], made["preemptionPolicy"]) == (-100, "Never")
    assert template(stack, "Deployment", "archesai-scraper")["spec"]["priorityClassName"] == "archesai-workers"
    assert not [item for item in render({"scraper": {"enabled": True}}).objects if item["kind"] == "PriorityClass"]
    with pytest.raises(ConfigError, match="workerPriorityClass names an existing class"):
        render({"scheduling": {"workerPriority": -100, "workerPriorityClass": "workers"}})


def test_a_worker_s_own_priority_class_wins() -> None:
    worker = {"scraper": {"enabled": True, "scheduling": {"priorityClass": "mine"}}}
    stack = render(worker | {"scheduling": {"workerPriorityClass": "workers", "priorityClass": "others"}})
    assert template(stack, "Deployment", "archesai-scraper")["spec"]["priorityClassName"] == "mine"
    assert template(stack, "Deployment", "archesai-api")["spec"]["priorityClassName"] == "others"


@pytest.mark.parametrize(
    ("settings", "pods"),
    [
        ({}, 1),
        ({"replicas": 2}, 2),
        ({"autoscaling": {"enabled": False, "minReplicas": 4}}, 4),
        ({"replicas": 2, "autoscaling": {"enabled": False, "minReplicas": 4}}, 2),
    ],
)
def test_an_autoscaler_that_is_switched_off_leaves_its_minimum_unless_another_number_is_set(
    settings: Config, pods: int
) -> None:
    assert find(render({"api": settings}), "Deployment", "archesai-api")["spec"]["replicas"] == pods
