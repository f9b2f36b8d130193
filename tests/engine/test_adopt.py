"""A deployment that the old manifests made becomes a stack: data and pods stay, and the next `up` goes on with them."""

from __future__ import annotations

import json
import shlex
from base64 import b64decode
from dataclasses import dataclass
from typing import Any

import pytest

from testbed.adopt.kustomized import ACCESS_KEY, DATABASE_CLAIM, PASSWORD, REDIS_PASSWORD, SECRET_KEY, old_deployment
from testbed.controlplane.api import Object
from testbed.controlplane.kubeconfigs import CONTEXT
from testbed.controlplane.refusals import MESSAGE, updates_refused
from testbed.controlplane.rig import ControlPlane
from testbed.engine.changes import Changes
from testbed.engine.configurations import DEV
from testbed.engine.deployment import Deploy, Deployment
from testbed.engine.stack import Outcome
from testbed.matrix import ON
from testbed.stacks import Config

WHOLE: Config = DEV | {"redis": ON, "storage": ON, "ingress": ON}
PINNED = {"image": {"tag": "v1.0.0"}}
PRODUCTION: Config = {
    "environment": "production",
    "cluster": {"context": CONTEXT},
    "api": PINNED,
    "platform": PINNED,
}
SECRETS = (PASSWORD, REDIS_PASSWORD, SECRET_KEY)
CLAIMS = {DATABASE_CLAIM, "archesai-redis", "archesai-storage"}

Standing = dict[str, Any]


def run_old(rig: ControlPlane, namespace: str) -> None:
    items = old_deployment(namespace)
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    done = rig.kubectl("apply", "--filename=-", stdin=text)
    assert done.returncode == 0, done.stderr
    rig.wait_ready(*items)


def standing(rig: ControlPlane, namespace: str, *kinds: str) -> Standing:
    """What tells a thing from one recreated, restarted or rolled: UID, generation and restarts."""
    groups = {"Pod": "v1", "PersistentVolumeClaim": "v1", "ReplicaSet": "apps/v1"}
    found: Standing = {}
    for kind in kinds:
        for item in rig.api.list(groups.get(kind, "apps/v1"), kind, namespace):
            metadata, status = item["metadata"], item.get("status", {})
            restarts = [one["restartCount"] for one in status.get("containerStatuses", [])]
            found[f"{kind} {metadata['name']}"] = (metadata["uid"], metadata.get("generation"), restarts)
    return found


def hand_over(rig: ControlPlane, outcome: Outcome) -> None:
    """Do what the plan asks a person to do; what would run inside a pod has no process here."""
    for step in json.loads(outcome.text)["steps"]:
        for command in step["commands"] if step["when"] == "before the first up" else ():
            words = shlex.split(command)
            assert words[0] == "kubectl"
            if not {"exec", "run"} & set(words):
                done = rig.kubectl(*words[1:])
                assert done.returncode == 0, done.stderr


def served(rig: ControlPlane, namespace: str, services: set[str]) -> dict[str, set[str]]:
    """The ready pods behind each of these Services, once each has one."""

    def ready() -> dict[str, set[str]]:
        found = {name: set[str]() for name in services}
        for part in rig.api.list("discovery.k8s.io/v1", "EndpointSlice", namespace):
            name = part["metadata"]["labels"]["kubernetes.io/service-name"]
            pods = [one["targetRef"]["name"] for one in part.get("endpoints") or [] if one["conditions"]["ready"]]
            found.get(name, set[str]()).update(pods)
        return found

    rig.wait_for("pods behind the services", lambda: [name for name, pods in ready().items() if not pods])
    return ready()


def volumes(rig: ControlPlane, namespace: str) -> list[Object]:
    claims = rig.api.list("v1", "PersistentVolumeClaim", namespace)
    return [rig.api.get("v1", "PersistentVolume", claim["spec"]["volumeName"], None) for claim in claims]


def policies(rig: ControlPlane, namespace: str) -> set[str]:
    return {volume["spec"]["persistentVolumeReclaimPolicy"] for volume in volumes(rig, namespace)}


@dataclass
class Story:
    """What was there after each chapter."""

    deployment: Deployment
    before: Standing
    first: Outcome
    taken: Standing
    state: dict[str, Any]
    pods_before_hand_over: Standing
    pods_after_hand_over: Standing
    served: dict[str, set[str]]
    """Pods behind each Service after the hand-over."""
    second: Outcome
    preview: Changes
    up: Changes
    claims: Standing
    quiet: Changes


@pytest.fixture(scope="module")
def story(deploy: Deploy, control_plane: ControlPlane) -> Story:
    name, rig = "adopted", control_plane
    kinds = ("Pod", "PersistentVolumeClaim", "StatefulSet", "Deployment", "ReplicaSet")
    run_old(rig, name)
    deployment = deploy(name, WHOLE)
    before = standing(rig, name, *kinds)
    first = deployment.arches("adopt", "--yes")
    taken = standing(rig, name, *kinds)
    state = deployment.exported()
    running = standing(rig, name, "Pod")
    hand_over(rig, deployment.arches("adopt", "--plan-only", "--json").check())
    handed = standing(rig, name, "Pod")
    behind = served(rig, name, {"archesai-api", "archesai-platform", "archesai-postgres"})
    second = deployment.arches("adopt", "--yes")
    preview = deployment.preview()
    up = deployment.up()
    claims = standing(rig, name, "PersistentVolumeClaim")
    return Story(
        deployment,
        before,
        first,
        taken,
        state,
        running,
        handed,
        behind,
        second,
        preview,
        up,
        claims,
        deployment.preview("--refresh"),
    )


def test_adopting_restarts_no_pod_and_makes_nothing_anew(story: Story) -> None:
    assert "no pod was restarted" in story.first.text, story.first.text
    assert len([name for name in story.before if name.startswith("Pod ")]) == 5
    assert story.taken == story.before


def test_the_state_has_what_can_be_taken_and_no_secret(story: Story) -> None:
    resources = story.state["deployment"]["resources"]
    kinds = [one["type"].rpartition(":")[2] for one in resources if one["type"].startswith("kubernetes:")]
    assert sorted(kinds) == sorted(
        ["Ingress", "Namespace", *["PersistentVolumeClaim"] * 3, *["Secret"] * 2, *["Service"] * 5]
    )
    text = json.dumps(story.state) + story.first.text
    assert not any(secret in text for secret in SECRETS)


def test_what_is_left_to_do_makes_the_command_fail_until_it_is_done(story: Story) -> None:
    assert story.first.status == 1
    assert "Not ready for an up: do the 6 steps above" in story.first.text
    assert story.second.status == 0, story.second.text
    assert "Next: arches preview --stack adopted" in story.second.text


def test_pods_that_are_handed_over_run_on(story: Story) -> None:
    stopped = {
        name for name in story.pods_before_hand_over if name.startswith(("Pod archesai-redis", "Pod archesai-storage"))
    }
    kept = {name: value for name, value in story.pods_before_hand_over.items() if name not in stopped}
    assert len(kept) == 3
    assert kept.items() <= story.pods_after_hand_over.items()
    assert {f"Pod {pod}" for pods in story.served.values() for pod in pods} == set(kept), "and are reached as before"


def test_the_preview_then_updates_what_was_taken_and_replaces_and_deletes_nothing(story: Story) -> None:
    assert (story.preview.replaced, story.preview.deleted) == (frozenset(), frozenset())
    assert story.preview.updated == {
        "Ingress ingress-api",
        "Namespace security-namespace",
        *(f"PersistentVolumeClaim {module}-data" for module in ("database", "redis", "storage")),
        *(f"Secret {module}-secret" for module in ("redis", "storage")),
        *(f"Service {module}-service" for module in ("api", "database", "platform", "redis", "storage")),
    }


def test_the_first_up_keeps_every_claim_and_every_password(story: Story, control_plane: ControlPlane) -> None:
    assert (story.up.updated, story.up.replaced, story.up.deleted) == (story.preview.updated, frozenset(), frozenset())
    assert {name for name in story.before if name.startswith("PersistentVolumeClaim ")} == set(story.claims)
    assert {name: story.before[name] for name in story.claims} == story.claims
    assert {name.partition(" ")[2] for name in story.claims} == CLAIMS

    def value(secret: str, key: str) -> str:
        data = control_plane.api.get("v1", "Secret", f"archesai-{secret}", "adopted")["data"]
        return b64decode(data[key]).decode()

    assert value("database", "POSTGRES_PASSWORD") == PASSWORD
    assert value("redis", "REDIS_PASSWORD") == REDIS_PASSWORD
    assert (value("storage", "ACCESS_KEY"), value("storage", "SECRET_KEY")) == (ACCESS_KEY, SECRET_KEY)
    assert not story.quiet, "nothing is left to change"


def test_the_new_workloads_have_the_data_and_the_old_pods_are_gone(story: Story, control_plane: ControlPlane) -> None:
    pods = control_plane.api.list("v1", "Pod", "adopted")
    lasting = [pod for pod in pods if pod["status"]["phase"] == "Running"]
    assert not {pod["metadata"]["uid"] for pod in lasting} & {uid for uid, _, _ in story.before.values()}
    used = {
        volume["persistentVolumeClaim"]["claimName"]
        for pod in lasting
        for volume in pod["spec"]["volumes"]
        if "persistentVolumeClaim" in volume
    }
    assert used == CLAIMS
    services = {item["metadata"]["name"]: item for item in control_plane.api.list("v1", "Service", "adopted")}
    # What kubectl once set and the stack does not say is gone, not left beside it.
    assert [port["name"] for port in services["archesai-storage"]["spec"]["ports"]] == ["s3", "console"]


def test_every_volume_outlives_its_claim(story: Story, control_plane: ControlPlane) -> None:
    assert story.first.status == 1
    assert policies(control_plane, "adopted") == {"Retain"}


def test_a_stack_that_runs_adopts_in_no_other_namespace(story: Story) -> None:
    outcome = story.deployment.arches("adopt", "--namespace", "elsewhere", "--yes")
    assert outcome.status == 2
    assert "stack adopted runs in namespace adopted; in another namespace it would be recreated" in outcome.text


def test_nothing_is_left_behind_by_an_adoption_that_was_cut_off(deploy: Deploy, control_plane: ControlPlane) -> None:
    run_old(control_plane, "cut-off")
    deployment = deploy("cut-off", WHOLE)
    stack_file = deployment.work / f"Pulumi.{deployment.name}.yaml"
    running = deployment.start_arches("adopt", "--yes")
    running.until(lambda _: "claimName" in stack_file.read_text(encoding="utf-8"))
    running.kill()
    again = deployment.arches("adopt", "--yes")
    assert "12 objects were taken into the state" in again.text, again.text
    assert "0 objects were taken" in deployment.arches("adopt", "--yes").text


def test_a_field_that_somebody_else_set_is_taken_over_too(deploy: Deploy, control_plane: ControlPlane) -> None:
    run_old(control_plane, "contested")
    port = {"name": "http", "port": 3001, "targetPort": 4001, "protocol": "TCP"}
    metadata = {"name": "archesai-api", "namespace": "contested"}
    service: Object = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [port]}}
    control_plane.apply([service], manager="somebody").check()
    deployment = deploy("contested", DEV)
    plan = deployment.arches("adopt", "--plan-only", "--json").check()
    (told,) = [
        one for one in json.loads(plan.text)["objects"] if (one["kind"], one["name"]) == ("Service", "archesai-api")
    ]
    assert told["why"][0] == "taken from somebody"
    assert "no pod was restarted" in deployment.arches("adopt", "--yes").text
    hand_over(control_plane, plan)
    assert "Service api-service" in deployment.up().updated
    assert control_plane.api.read(service)["spec"]["ports"][0]["targetPort"] == 3001  # type: ignore[index]


def test_a_state_that_the_engine_cannot_go_on_with_is_taken_back(deploy: Deploy, control_plane: ControlPlane) -> None:
    run_old(control_plane, "refused")
    deployment = deploy("refused", DEV)
    label = "app.kubernetes.io/managed-by"
    of_others = f"!('{label}' in object.metadata.labels) || object.metadata.labels['{label}'] != 'pulumi'"
    with updates_refused(control_plane, "refused", "", "services", of_others):
        outcome = deployment.arches("adopt", "--yes")
    assert outcome.status == 5, outcome.text
    assert "the engine failed" in outcome.text
    assert MESSAGE in outcome.text
    types = {one["type"] for one in deployment.exported()["deployment"]["resources"]}
    assert types == {"pulumi:pulumi:Stack", "pulumi:providers:kubernetes", "pulumi:providers:pulumi"}


def test_a_stack_whose_state_is_lost_is_adopted_again(deploy: Deploy, control_plane: ControlPlane) -> None:
    deployment = deploy("lost", DEV)
    deployment.up()
    secrets = [
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "lost"}}
        for name in ("archesai-database", "archesai-api")
    ]
    kinds = ("PersistentVolumeClaim", "StatefulSet", "Deployment")
    before = [(control_plane.api.read(one) or {})["data"] for one in secrets], standing(control_plane, "lost", *kinds)
    deployment.run("state", "delete", "--all", "--force", "--yes").check()

    adopted = deployment.arches("adopt", "--yes").check()
    assert "no pod was restarted" in adopted.text
    preview = deployment.preview()
    assert {name.partition(" ")[0] for name in preview.created} == {"Stash"}
    assert (preview.replaced, preview.deleted) == (frozenset(), frozenset())
    deployment.up()
    after = [(control_plane.api.read(one) or {})["data"] for one in secrets], standing(control_plane, "lost", *kinds)
    assert after[0] == before[0]
    assert {name: uid for name, (uid, _, _) in after[1].items()} == {
        name: uid for name, (uid, _, _) in before[1].items()
    }


def test_production_is_adopted_only_after_its_namespace_is_typed(deploy: Deploy, control_plane: ControlPlane) -> None:
    run_old(control_plane, "typed")
    deployment = deploy("typed", PRODUCTION)
    asked = deployment.arches("adopt")
    assert asked.status != 0
    assert "This is production. Type the name of the namespace, typed, to continue" in asked.text
    assert policies(control_plane, "typed") == {"Delete"}

    done = deployment.arches("adopt", "--yes")
    assert "no pod was restarted" in done.text, done.text
    protected = {
        one["urn"].rpartition("::")[2] for one in deployment.exported()["deployment"]["resources"] if one.get("protect")
    }
    assert protected == {"security-namespace", "database-data"}
