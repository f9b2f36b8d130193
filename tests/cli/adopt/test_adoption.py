from __future__ import annotations

import json

import pytest
from kubernetes.client import ApiClient

from archesai_infra.cli.adopt.adoption import urns
from archesai_infra.cli.adopt.display import show
from archesai_infra.cli.adopt.plan import BEFORE, Fate, Plan
from archesai_infra.cli.base.cluster import Cluster
from archesai_infra.stack.evaluate import evaluate
from testbed.adopt.kustomized import DATABASE_CLAIM, PASSWORD, REDIS_PASSWORD, SECRET_KEY
from testbed.adopt.standing import ALL, STACK, item, planned, standing
from testbed.controlplane.api import Object
from testbed.stacks import DEVELOPMENT, raw

Objects = dict[tuple[str, str], Object]

SERVICE = "urn:pulumi:moved::archesai::archesai:index:Api$kubernetes:core/v1:Service::api-service"


def fates(plan: Plan, fate: Fate) -> set[str]:
    return {f"{one.kind} {one.name}" for one in plan.items if one.fate is fate}


def commands(plan: Plan) -> dict[str, list[str]]:
    """What is to be done before the first `up`, by the object's name."""
    return {
        step.why.split(":")[0]: [
            command.removeprefix("kubectl --context here --namespace archesai ") for command in step.commands
        ]
        for step in plan.steps
        if step.when == BEFORE
    }


@pytest.fixture(scope="module")
def whole() -> Plan:
    return planned()


def test_everything_that_an_update_can_change_is_taken(whole: Plan) -> None:
    assert fates(whole, Fate.CHANGED) == {
        "Namespace archesai",
        "Ingress archesai-api",
        f"PersistentVolumeClaim {DATABASE_CLAIM}",
        "PersistentVolumeClaim archesai-redis",
        "PersistentVolumeClaim archesai-storage",
        "Secret archesai-redis",
        "Secret archesai-storage",
        *(f"Service archesai-{name}" for name in ("api", "platform", "postgres", "redis", "storage")),
    }
    assert not whole.obstacles


def test_workloads_with_another_selector_cannot_be_taken_and_say_why(whole: Plan) -> None:
    assert fates(whole, Fate.REFUSED) == {
        "Deployment archesai-api", "Deployment archesai-platform", "StatefulSet archesai-postgres",
    }  # fmt: skip
    assert item(whole, "Deployment", "archesai-api").why == (
        "spec.selector is component=api name=archesai, the stack has component=api instance=moved name=archesai",
    )
    assert [why.split(" ")[0] for why in item(whole, "StatefulSet", "archesai-postgres").why] == [
        "spec.selector", "spec.serviceName", "spec.podManagementPolicy", "spec.volumeClaimTemplates",
    ]  # fmt: skip


def test_what_has_no_place_is_named_and_nothing_of_the_clusters_own(whole: Plan) -> None:
    own: Object = {"metadata": {"name": "default"}}
    root: Object = {"metadata": {"name": "kube-root-ca.crt"}}
    release: Object = {"metadata": {"name": "sh.helm.release.v1.other"}, "type": "helm.sh/release.v1"}
    made: Object = {"metadata": {"name": "job", "ownerReferences": [{"kind": "CronJob", "controller": True}]}}

    def add(objects: Objects) -> None:
        objects["ServiceAccount", "default"], objects["ConfigMap", "kube-root-ca.crt"] = own, root
        objects["Secret", "sh.helm.release.v1.other"], objects["Job", "job"] = release, made

    wanted = {
        "ConfigMap archesai-config",
        "Secret archesai-database-5f7h2k9g4t",
        "ServiceAccount archesai",
        "Deployment archesai-redis",
        "Deployment archesai-storage",
    }
    assert fates(whole, Fate.NO_PLACE) == wanted
    assert fates(planned(live=standing(add)), Fate.NO_PLACE) == wanted


def test_a_module_that_is_off_is_said_to_be(whole: Plan) -> None:
    off = planned(DEVELOPMENT)
    assert item(off, "PersistentVolumeClaim", "archesai-redis").why == ("redis is off in the stack",)
    assert item(whole, "Deployment", "archesai-redis").why == ("StatefulSet archesai-redis takes its place",)


def test_the_first_up_restarts_what_is_made_anew_or_changes_its_pods(whole: Plan) -> None:
    assert whole.restarts == ["api", "database", "platform", "redis", "storage"]


def test_a_deployment_with_our_selector_is_taken_and_restarts_only_if_its_pods_differ() -> None:
    declared = evaluate(raw(DEVELOPMENT, STACK))
    (wanted,) = [one.inputs for one in declared.resources if one.name == "platform-deployment"]

    def same(objects: Objects) -> None:
        objects["Deployment", "archesai-platform"] = {**wanted, "status": {"replicas": 1}}

    taken = item(planned(DEVELOPMENT, standing(same)), "Deployment", "archesai-platform")
    assert (taken.fate, taken.why, taken.restarts) == (Fate.SAME, (), False)

    def scaled(objects: Objects) -> None:
        same(objects)
        objects["Deployment", "archesai-platform"]["spec"] = {**wanted["spec"], "replicas": 7}

    taken = item(planned(DEVELOPMENT, standing(scaled)), "Deployment", "archesai-platform")
    assert (taken.fate, taken.why, taken.restarts) == (Fate.CHANGED, ("spec.replicas",), False)

    def older(objects: Objects) -> None:
        same(objects)
        template = wanted["spec"]["template"]
        container = template["spec"]["containers"][0] | {"image": "archesai/platform:old"}
        pod = template["spec"] | {"containers": [container]}
        objects["Deployment", "archesai-platform"]["spec"] = {**wanted["spec"], "template": template | {"spec": pod}}

    taken = item(planned(DEVELOPMENT, standing(older)), "Deployment", "archesai-platform")
    assert (taken.why, taken.restarts) == (("spec.template.spec.containers[0].image",), True)


def test_pods_are_handed_over_without_a_restart(whole: Plan) -> None:
    api, database = (
        "component=api,app.kubernetes.io/name=archesai",
        "component=postgres,app.kubernetes.io/name=archesai",
    )
    found = commands(whole)
    assert found["Deployment archesai-api"] == [
        "delete deployment/archesai-api --cascade=orphan",
        f"label replicasets,pods --selector app.kubernetes.io/{api} app.kubernetes.io/instance=moved --overwrite",
    ]
    component = {"app.kubernetes.io/component": "database"}
    new = "app.kubernetes.io/component=database app.kubernetes.io/instance=moved"
    assert found["StatefulSet archesai-postgres"] == [
        "delete statefulset/archesai-postgres --cascade=orphan",
        f"label pods --selector app.kubernetes.io/{database} {new} --overwrite",
        f"patch service/archesai-postgres --type merge --patch '{json.dumps({'spec': {'selector': component}})}'",
    ]
    assert whole.left == len(found) == 6


def test_a_stateful_set_with_our_labels_is_only_deleted_alone() -> None:
    def relabel(objects: Objects) -> None:
        ours = {"name": "archesai", "component": "database", "instance": STACK}
        labels = {f"app.kubernetes.io/{key}": value for key, value in ours.items()}
        objects["StatefulSet", "archesai-postgres"]["spec"]["selector"]["matchLabels"] = labels

    found = commands(planned(DEVELOPMENT, standing(relabel)))
    assert found["StatefulSet archesai-postgres"] == ["delete statefulset/archesai-postgres --cascade=orphan"]


def test_pods_whose_labels_cannot_become_ours_run_on_until_the_new_ones_are_there() -> None:
    def rename(objects: Objects) -> None:
        objects["Deployment", "archesai-api"]["spec"]["selector"]["matchLabels"] = {"app": "api"}

    plan = planned(DEVELOPMENT, standing(rename))
    assert commands(plan)["Deployment archesai-api"] == ["delete deployment/archesai-api --cascade=orphan"]
    assert plan.steps[-1].commands == (
        "kubectl --context here --namespace archesai delete replicasets --selector app=api",
    )


def test_a_headless_service_in_the_place_of_one_with_an_address_is_made_anew() -> None:
    def behead(objects: Objects) -> None:
        objects["Service", "archesai-postgres"]["spec"]["clusterIP"] = "None"

    plan = planned(DEVELOPMENT, standing(behead))
    assert item(plan, "Service", "archesai-postgres").fate is Fate.REFUSED
    assert commands(plan)["Service archesai-postgres is recreated"] == ["delete service/archesai-postgres"]


def test_what_is_in_the_state_is_not_taken_again() -> None:
    plan = planned(DEVELOPMENT, known={SERVICE})
    assert item(plan, "Service", "archesai-api").fate is Fate.KNOWN
    assert "Service archesai-api" not in {f"{one.kind} {one.name}" for one in plan.taken}


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"annotations": {"meta.helm.sh/release-name": "arches"}}, "belongs to Helm release arches: make Helm forget"),
        ({"labels": {"app.kubernetes.io/managed-by": "Helm"}}, "belongs to Helm release ?"),
        ({"labels": {"argocd.argoproj.io/instance": "arches"}}, "belongs to Argo CD application arches: "),
        (
            {"annotations": {"argocd.argoproj.io/tracking-id": "arches:/Service:archesai/archesai-api"}},
            "arches: kubectl --context here --namespace argocd delete application arches --cascade=orphan",
        ),
        ({"managedFields": [{"manager": "argocd-controller"}]}, "belongs to Argo CD application ?"),
        ({"labels": {"kustomize.toolkit.fluxcd.io/name": "arches"}}, "belongs to Flux Kustomization arches: "),
        (
            {"labels": {"app.kubernetes.io/managed-by": "pulumi", "app.kubernetes.io/instance": "prod"}},
            "belongs to stack prod: adopt with --stack prod",
        ),
        ({"ownerReferences": [{"kind": "Arches", "name": "main"}]}, "belongs to Arches main: it goes with its owner"),
    ],
)
def test_what_belongs_to_others_stops_everything(metadata: Object, said: str) -> None:
    plan = planned(DEVELOPMENT, standing(lambda objects: objects["Service", "archesai-api"].update(_with(metadata))))
    (obstacle,) = plan.obstacles
    assert obstacle.startswith("Service archesai-api ")
    assert said in obstacle
    assert "Service archesai-api" in fates(plan, Fate.FOREIGN)


def _with(metadata: Object) -> Object:
    return {"metadata": {"name": "archesai-api", "namespace": "archesai"} | metadata}


def test_a_claim_that_goes_with_its_owner_is_not_taken() -> None:
    def own(objects: Objects) -> None:
        owners = [{"kind": "StatefulSet", "name": "archesai-postgres"}]
        objects["PersistentVolumeClaim", DATABASE_CLAIM]["metadata"]["ownerReferences"] = owners

    (obstacle,) = planned(DEVELOPMENT, standing(own)).obstacles
    assert obstacle.startswith(f"PersistentVolumeClaim {DATABASE_CLAIM} belongs to StatefulSet archesai-postgres")


def test_what_scripts_are_told_holds_no_secret(whole: Plan) -> None:
    told = str(whole.to_dict())
    assert not any(secret in told for secret in (PASSWORD, REDIS_PASSWORD, SECRET_KEY))
    assert {"key": "databasePassword", "value": None, "secret": True, "why": "in use by archesai-postgres"} in list(
        whole.to_dict()["settings"]  # type: ignore[call-overload]
    )


@pytest.mark.parametrize("plan_only", [True, False])
def test_a_plan_says_whether_its_settings_are_written(
    whole: Plan, capsys: pytest.CaptureFixture[str], *, plan_only: bool
) -> None:
    show(whole, Cluster(ApiClient(), "staging"), None, plan_only=plan_only)
    printed = capsys.readouterr().out
    assert (f"To be written into Pulumi.{STACK}.yaml:" in printed) == plan_only
    assert ("\nWritten into" in printed) != plan_only
    assert "  databasePassword: [secret]   # in use by archesai-postgres" in printed
    assert PASSWORD not in printed


def test_a_nested_component_has_the_engines_urn() -> None:
    names = set(urns(evaluate(raw(ALL, STACK))).values())
    prefix = "urn:pulumi:moved::archesai::archesai:index:Storage$archesai:index:Bucket"
    assert {f"{prefix}::storage-bucket", f"{prefix}$kubernetes:batch/v1:Job::storage-bucket-job"} <= names
    assert "urn:pulumi:moved::archesai::pulumi:providers:kubernetes::cluster" in names
