from __future__ import annotations

import json
from typing import Any, Never

import pytest

from archesai_infra.cli.adopt.adoption import plan, urns
from archesai_infra.cli.adopt.apply import harmful, keep_volumes
from archesai_infra.cli.adopt.cluster import handed_over, moved
from archesai_infra.cli.adopt.owners import setters
from archesai_infra.cli.adopt.run import with_settings
from archesai_infra.cli.adopt.state import known, with_adopted
from archesai_infra.cli.base.cluster import Cluster, ClusterError
from archesai_infra.cli.base.errors import CommandError
from archesai_infra.cli.engine.events import Operation
from archesai_infra.stack.evaluate import evaluate
from testbed.adopt.kustomized import DATABASE_CLAIM, PASSWORD, REDIS_PASSWORD, SECRET_KEY
from testbed.adopt.standing import ALL, STACK, planned, standing, takeover
from testbed.stacks import raw

ROOT = "urn:pulumi:moved::archesai::pulumi:pulumi:Stack::archesai-moved"
PROVIDERS = {name: f"urn:pulumi:moved::archesai::pulumi:providers:kubernetes::{name}" for name in ("cluster", "strict")}
COMPONENT = "urn:pulumi:moved::archesai::archesai:index:Database"
CLAIM = f"{COMPONENT}$kubernetes:core/v1:PersistentVolumeClaim::database-data"
EMPTY: dict[str, Any] = {
    "resources": [
        {"urn": ROOT, "type": "pulumi:pulumi:Stack"},
        *({"urn": urn, "type": "pulumi:providers:kubernetes", "id": name} for name, urn in PROVIDERS.items()),
    ]
}


def adopted(deployment: dict[str, Any] = EMPTY) -> dict[str, Any]:
    needs = takeover()
    declared = evaluate(with_settings(raw(ALL, STACK), needs.settings))
    live = standing()
    annotation = {"kubectl.kubernetes.io/last-applied-configuration": f'{{"data": "{REDIS_PASSWORD}"}}', "own": "kept"}
    live.objects["Secret", "archesai-redis"]["metadata"]["annotations"] = annotation
    taken = plan(declared, STACK, live, (), needs).taken
    return with_adopted(deployment, declared, taken, "2026-01-01T00:00:00Z")


def entry(state: dict[str, Any], urn: str) -> dict[str, Any]:
    (only,) = [one for one in state["resources"] if one["urn"] == urn]
    return only


def test_an_object_is_written_down_as_it_is_where_the_program_says_something() -> None:
    found = entry(adopted(), CLAIM)
    assert found["id"] == f"archesai/{DATABASE_CLAIM}"
    assert found["provider"] == f"{PROVIDERS['cluster']}::cluster"
    assert (found["protect"], found["retainOnDelete"]) == (False, True)
    # Neither the volume's name nor the default class: what is in the inputs and not in the program is a replacement.
    assert found["inputs"]["spec"] == {
        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}},
    }  # fmt: skip
    assert found["outputs"]["__inputs"] == found["inputs"]
    assert found["outputs"]["spec"]["volumeName"] == f"volume-of-{DATABASE_CLAIM}"
    assert found["outputs"]["__fieldManager"].startswith("pulumi-kubernetes-")


def test_everything_comes_after_its_parent_and_its_provider() -> None:
    seen: set[str] = set()
    for one in adopted()["resources"]:
        assert one.get("parent", ROOT) in seen or one["urn"] == ROOT
        assert one.get("provider", f"{PROVIDERS['cluster']}::").rpartition("::")[0] in seen | {PROVIDERS["cluster"]}
        seen.add(one["urn"])
    assert len(seen) == len(adopted()["resources"]), "nothing is there twice"


def test_no_secret_value_gets_into_the_state() -> None:
    text = json.dumps(adopted())
    assert not any(secret in text for secret in (PASSWORD, REDIS_PASSWORD, SECRET_KEY))
    secret = entry(
        adopted(), "urn:pulumi:moved::archesai::archesai:index:Redis$kubernetes:core/v1:Secret::redis-secret"
    )
    assert "data" not in secret["outputs"]
    assert secret["outputs"]["metadata"]["annotations"] == {"own": "kept"}


def test_what_is_in_the_state_stays_as_it_is_there() -> None:
    once = adopted()
    assert adopted(once) == once
    assert known(once) == {one["urn"] for one in once["resources"]}
    assert known({"manifest": {}}) == set(), "a state that was never written"
    assert EMPTY["resources"] == EMPTY["resources"][:3], "the exported state is not changed"


def test_only_what_was_taken_counts_as_harm() -> None:
    found = planned()
    names = urns(evaluate(with_settings(raw(ALL, STACK), found.settings)))
    other = f"{COMPONENT}$kubernetes:apps/v1:StatefulSet::database-stateful-set"
    assert harmful([Operation("update", CLAIM, ()), Operation("replace", other, ())], found, names) == []
    for operation in ("replace", "create-replacement", "delete-replaced", "delete"):
        assert harmful([Operation(operation, CLAIM, ())], found, names) == [f"PersistentVolumeClaim {DATABASE_CLAIM}"]


def managed(manager: str, fields: dict[str, Any], **more: object) -> dict[str, Any]:
    return {"manager": manager, "operation": "Update", "apiVersion": "v1", "fieldsV1": fields, **more}


def test_what_kubectl_set_becomes_the_providers_and_what_controllers_set_stays_theirs() -> None:
    controller = managed("kube-controller-manager", {"f:spec": {"f:volumeName": {}}})
    status = managed("kubectl", {"f:status": {}}, subresource="status")
    applied = managed("kubectl-client-side-apply", {"f:spec": {"f:type": {}}})
    edited = managed("kubectl-edit", {"f:spec": {"f:selector": {}}, "f:metadata": {}})
    before = managed("pulumi-kubernetes", {"f:data": {}})
    found = handed_over([applied, controller, edited, status, before])
    assert found[:2] == [controller, status]
    fields = {"f:spec": {"f:type": {}, "f:selector": {}}, "f:metadata": {}, "f:data": {}}
    assert found[2:] == [managed("pulumi-kubernetes", fields)]
    assert applied["fieldsV1"] == {"f:spec": {"f:type": {}}}, "what was read is not changed"
    assert handed_over(found) == found
    assert handed_over([controller]) == [controller]


def test_what_others_set_is_taken_only_where_it_will_be_changed() -> None:
    somebody = managed("somebody", {"f:spec": {"f:ports": {"k:{}": {"f:targetPort": {}}}}})
    labels = managed("labeller", {"f:metadata": {"f:labels": {"f:app.kubernetes.io/name": {}}}})
    controller = managed("kube-controller-manager", {"f:spec": {"f:ports": {}}})
    item = {"metadata": {"managedFields": [somebody, labels, controller]}}
    assert setters(item, ["spec.ports[0].targetPort"]) == ("somebody",)
    assert setters(item, ["metadata.labels.app.kubernetes.io/name"]) == ("labeller",)
    assert setters(item, ["metadata.labels.app.kubernetes.io/component", "spec.type"]) == ()
    found = handed_over([somebody, labels, controller], ["somebody"])
    assert found == [labels, controller, managed("pulumi-kubernetes", somebody["fieldsV1"])]


def test_pods_that_are_new_are_no_loss_and_all_others_are_named() -> None:
    before = {"same": ("1", 0), "gone": ("2", 0), "recreated": ("3", 0), "restarted": ("4", 0)}
    after = {"same": ("1", 0), "recreated": ("5", 0), "restarted": ("4", 1), "new": ("6", 0)}
    assert moved(before, after) == ["gone", "recreated", "restarted"]


class Forbidding(Cluster):
    """A cluster whose user may change no volume."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.context = "prod"

    def send(self, method: str, path: str, *_: Any, **__: Any) -> Never:  # noqa: ANN401 - whatever is sent
        self.asked.append((method, path))
        raise ClusterError("the server answers 403: no", "ask for the missing rights", status=403)


def test_a_volume_that_may_not_be_kept_stops_everything_and_says_who_can_do_what() -> None:
    cluster = Forbidding()
    with pytest.raises(
        CommandError, match="kubectl --context prod patch persistentvolume volume-of-archesai-redis"
    ) as caught:
        keep_volumes(cluster, takeover().volumes[1:])
    assert cluster.asked == [("PATCH", "/api/v1/persistentvolumes/volume-of-archesai-redis")]
    assert "redis would be deleted with its claim" in str(caught.value)
