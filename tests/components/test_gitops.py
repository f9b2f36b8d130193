from __future__ import annotations

from typing import Any

import pytest

from archesai_infra.components.gitops import OPTIONS, WAVE, with_waves
from archesai_infra.stack.config import ConfigError
from archesai_infra.stack.evaluate import Evaluation, evaluate
from archesai_infra.stack.render import hidden_secrets, ordered
from testbed.controlplane import crds
from testbed.controlplane.rig import ControlPlane
from testbed.stacks import DEVELOPMENT, Config, find, raw, render

ON: Config = {
    "gitops": {"enabled": True, "repoUrl": "https://git.example.com/platform/arches.git"},
    "database": {"existingSecret": "database"},
    "api": {"existingSecret": "api", "autoscaling": {"enabled": True}},
    "redis": {"enabled": True, "existingSecret": "redis"},
    "storage": {"enabled": True, "existingSecret": "storage"},
    "scraper": {"enabled": True},
    "ingress": {"enabled": True},
}


def _application() -> dict[str, Any]:
    return find(render(ON), "Application", "archesai-dev")


def _rendered(config: Config | None = None) -> Evaluation:
    return evaluate(raw(DEVELOPMENT | ON | (config or {})))


def _waves() -> dict[str, int]:
    return {
        f"{item['kind']} {item['metadata']['name'].removeprefix('archesai-')}": int(
            item["metadata"]["annotations"][WAVE]
        )
        for item in ordered(_rendered())
    }


def _wave(waves: dict[str, int], start: str) -> int:
    return next(wave for name, wave in waves.items() if name.startswith(start))


def test_pulumi_declares_the_application_and_no_other_object() -> None:
    assert [item["kind"] for item in render(ON).objects] == ["Application"]


def test_the_rendered_manifests_hold_all_but_the_application_and_no_secret() -> None:
    kinds = {item["kind"] for item in _rendered().objects}
    assert {"Namespace", "Deployment", "StatefulSet", "Job", "NetworkPolicy"} <= kinds
    assert {"Application", "Secret"} & kinds == set()


def test_the_application_prunes_heals_and_creates_the_namespace() -> None:
    spec = _application()["spec"]
    assert spec["syncPolicy"]["automated"] == {"prune": True, "selfHeal": True}
    assert "CreateNamespace=true" in spec["syncPolicy"]["syncOptions"]
    assert spec["source"]["path"] == "rendered/dev"
    assert spec["destination"] == {"server": "https://kubernetes.default.svc", "namespace": "archesai"}


def test_what_the_application_prunes_goes_last() -> None:
    assert "PruneLast=true" in _application()["spec"]["syncPolicy"]["syncOptions"]


def test_argo_cd_creates_an_autoscaled_deployment_with_its_minimum() -> None:
    assert find(_rendered(), "Deployment", "archesai-api")["spec"]["replicas"] == 3


def test_deleting_the_application_leaves_what_it_applied() -> None:
    assert "finalizers" not in _application()["metadata"]


def test_the_number_of_autoscaled_pods_is_left_to_the_autoscaler() -> None:
    assert _application()["spec"]["ignoreDifferences"] == [
        {"group": "apps", "kind": "Deployment", "name": "archesai-api", "jsonPointers": ["/spec/replicas"]}
    ]
    workers = {"unstructured": {"enabled": True, "autoscaling": {"enabled": True}}}
    others = find(render(ON | {"api": {"existingSecret": "api"}} | workers), "Application", "archesai-dev")["spec"]
    assert [item["name"] for item in others["ignoreDifferences"]] == ["archesai-unstructured"]
    alone = render(ON | {"api": {"existingSecret": "api"}})
    assert "ignoreDifferences" not in find(alone, "Application", "archesai-dev")["spec"]


def test_migrations_come_after_the_database_and_before_the_api() -> None:
    waves = _waves()
    assert (
        _wave(waves, "Namespace")
        < _wave(waves, "NetworkPolicy")
        < _wave(waves, "StatefulSet postgres")
        < _wave(waves, "Job migrations")
        < _wave(waves, "Deployment api")
        < _wave(waves, "Ingress api")
        # Argo CD ends a sync at an autoscaler whose pods have no metrics yet: nothing may wait for it.
        < _wave(waves, "HorizontalPodAutoscaler api")
        == max(waves.values())
    )
    assert _wave(waves, "ConfigMap config") < _wave(waves, "Deployment api")


def test_a_claim_syncs_together_with_the_pod_it_may_wait_for() -> None:
    waves = _waves()
    assert waves["PersistentVolumeClaim postgres-data"] == waves["StatefulSet postgres"]
    job = {"volumes": [{"persistentVolumeClaim": {"claimName": "dumps"}}]}
    cron = {
        "spec": {"jobTemplate": {"spec": {"template": {"spec": job}}}},
        "kind": "CronJob",
        "metadata": {"name": "c"},
    }
    claim = {"kind": "PersistentVolumeClaim", "metadata": {"name": "dumps"}}
    first, second = with_waves([claim, cron])
    assert first["metadata"]["annotations"][WAVE] == second["metadata"]["annotations"][WAVE]


def test_data_stays_when_it_leaves_the_repository() -> None:
    kept = {item["kind"] for item in ordered(_rendered()) if OPTIONS in item["metadata"]["annotations"]}
    assert kept == {"PersistentVolumeClaim", "Namespace"}
    (namespace,) = (item for item in ordered(_rendered()) if item["kind"] == "Namespace")
    assert namespace["metadata"]["annotations"][OPTIONS] == "Prune=false,Delete=false"


def test_without_gitops_manifests_carry_nothing_for_argo_cd() -> None:
    plain = evaluate(raw(dict(DEVELOPMENT)))
    assert plain.objects == render().objects
    assert [item for item in ordered(plain) if WAVE in item["metadata"].get("annotations", {})] == []


def test_with_a_store_argo_cd_has_the_whole_stack_and_nobody_makes_a_secret() -> None:
    stored = {"secrets": {"external": {"store": "vault"}}, "database": {}, "api": {}}
    stored |= {"redis": {"enabled": True}, "storage": {"enabled": True}}
    stack = _rendered(stored)
    assert hidden_secrets(stack) == []
    kinds = [item["kind"] for item in ordered(stack)]
    assert "Secret" not in kinds
    assert kinds.count("ExternalSecret") == len(["api", "database", "redis", "redis-users", "storage", "storage-api"])


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"gitops": {"enabled": True}}, "gitops.repoUrl: is required"),
        ({"database": {}}, "database.existingSecret: Argo CD cannot generate a secret"),
        ({"api": {}}, "api.existingSecret: Argo CD cannot generate a secret"),
        ({"redisPassword": "made-up", "redis": {"enabled": True}}, "redisPassword: a repository must not hold it"),
        ({"ingress": {"enabled": True, "controller": {"install": True}}}, "ingress.controller.install: Argo CD gets"),
        ({"monitoring": {"enabled": True}}, "set monitoring.operator to existing"),
    ],
)
def test_what_argo_cd_cannot_have_is_refused_with_the_way_out(config: Config, reason: str) -> None:
    with pytest.raises(ConfigError) as refused:
        render(ON | config)
    assert reason in str(refused.value)


@pytest.mark.cluster
def test_a_real_server_takes_the_application_by_its_definition(control_plane: ControlPlane) -> None:
    definitions = crds.custom_resource_definitions("argoproj.io")
    control_plane.apply(definitions).check()
    control_plane.wait_ready(*definitions)
    control_plane.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "argocd"}}]).check()
    control_plane.apply([_application()]).check()
    stored = control_plane.api.get("argoproj.io/v1alpha1", "Application", "archesai-dev", "argocd")
    assert stored["spec"] == _application()["spec"]


@pytest.mark.cluster
def test_a_real_server_takes_the_annotated_manifests(control_plane: ControlPlane) -> None:
    objects = ordered(_rendered({"namespace": "handed-over"}))
    control_plane.apply(objects).check()
