"""Each stack from an empty cluster to the end: what the engine says, what the cluster has, what stays."""

from __future__ import annotations

import json
from collections.abc import Generator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import pytest

from archesai_infra.components.base.pods import SECRETS_ANNOTATION
from archesai_infra.stack.evaluate import Evaluation
from testbed.controlplane.api import Object
from testbed.controlplane.rig import ControlPlane
from testbed.engine import disclosure
from testbed.engine.changes import Changes, short
from testbed.engine.configurations import DEV, EVERY_MODULE, PROD, given
from testbed.engine.deployment import Deploy, Deployment
from testbed.engine.stack import Outcome
from testbed.engine.standin_charts import recorded, without_nulls
from testbed.stacks import Config

_INGRESS_CLASS = {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "nginx"}}


@dataclass
class Life:
    """What became of one stack, recorded step by step."""

    declared: Evaluation
    first_preview: Outcome
    first_up: Outcome
    objects: dict[str, Object | None]
    """What the API server had of each declared object after the first `up`."""
    recorded: dict[str, Any]
    """Values of each release."""
    second_up: Changes
    drift: Outcome
    disclosures: list[str]
    outputs: dict[str, Any]
    first_destroy: Outcome
    after_first_destroy: set[str]
    """What existed then, as `Kind name`."""
    destroyed: Changes
    kept: set[str] = field(default_factory=set[str])
    """What still exists after the end, as `Kind name`."""

    @property
    def custom(self) -> set[str]:
        """`Type name` of every declared resource that is no component."""
        return {short(resource.urn) for resource in self.declared.resources if resource.custom}


STACKS: dict[str, Config] = {"dev": DEV, "prod": PROD, "everything": EVERY_MODULE}


@pytest.fixture(scope="module", params=STACKS)
def life(request: pytest.FixtureRequest, deploy: Deploy, control_plane: ControlPlane) -> Generator[Life]:
    name: str = request.param
    if name != "dev":
        # These bring a controller and its class.
        control_plane.api.delete(_INGRESS_CLASS)
    secret = given() if name == "everything" else {}
    config: Config = STACKS[name] | {"namespace": f"life-{name}"}
    if "monitoring" in config:
        # It stays, and is this stack's alone.
        config["monitoring"] = {**config["monitoring"], "namespace": f"life-{name}-monitoring"}
    deployment = deploy(name, config, secrets=secret)
    yield _live(deployment, control_plane, set(secret.values()))
    if name != "dev":
        control_plane.apply([_INGRESS_CLASS | {"spec": {"controller": "tests/ingress"}}]).check()


def _live(deployment: Deployment, rig: ControlPlane, credentials: set[str]) -> Life:
    declared = deployment.declared()
    first_preview = deployment.run("preview", "--json").check()
    first_up = deployment.run("up", "--yes", "--skip-preview").check()
    objects = {_label(item): _read(rig, item) for item in declared.objects}
    second_up = deployment.up()
    drift = deployment.run("preview", "--refresh", "--expect-no-changes")
    rendered = deployment.arches("render").check()
    output = deployment.run("stack", "output", "--json").check().text
    values = disclosure.secret_values(deployment.exported(reveal=True), credentials)
    assert len(values) >= len(credentials) + 2, "a database URL and a signing key are generated in every stack"
    places = {
        "preview": first_preview.text + first_preview.events,
        "up": first_up.text + first_up.events,
        "output": output,
        "export": json.dumps(deployment.exported()),
        "drift": drift.text + drift.events,
        "rendered": rendered.text,
        "stack file": (deployment.work / f"Pulumi.{deployment.name}.yaml").read_text(encoding="utf-8"),
        **{f"state: {path.name}": path.read_text("utf-8") for path in deployment.state.rglob("*") if path.is_file()},
        **dict(disclosure.everything_but_secrets(rig)),
    }
    releases = {
        release.inputs["name"]: recorded(
            rig.api.get("v1", "ConfigMap", f"{release.inputs['name']}-recorded-values", release.inputs["namespace"])
        )
        for release in declared.releases
    }
    first_destroy = deployment.run("destroy", "--yes")
    destroyed = first_destroy.changes
    after_first_destroy = {_label(item) for item in declared.objects if _read(rig, item) is not None}
    if first_destroy.status != 0:
        deployment.run("state", "unprotect", "--all", "--yes").check()
        destroyed = deployment.destroy()
    kept = {_label(item) for item in declared.objects if _read(rig, item) is not None}
    return Life(
        declared, first_preview, first_up, objects, releases, second_up, drift,
        disclosure.disclosures(values, places), json.loads(output), first_destroy, after_first_destroy,
        destroyed, kept,
    )  # fmt: skip


def _label(item: Object) -> str:
    return f"{item['kind']} {_name(item)}"


def _name(item: Object) -> str:
    """The name; of a Job without the digest of its template, into which generated passwords go."""
    name = str(item["metadata"]["name"])
    return name.rpartition("-")[0] if item["kind"] == "Job" else name


def _read(rig: ControlPlane, item: Object) -> Object | None:
    """An object as the cluster has it."""
    if item["kind"] != "Job":
        return rig.api.read(item)
    jobs = rig.api.list("batch/v1", "Job", item["metadata"]["namespace"])
    return next((job for job in jobs if _name(job) == _name(item)), None)


def test_a_preview_on_an_empty_cluster_plans_what_the_program_declares(life: Life) -> None:
    assert life.first_preview.changes.created == life.custom


def test_the_first_up_creates_what_was_planned_and_the_cluster_has_all_of_it(life: Life) -> None:
    assert life.first_up.changes.created == life.custom
    assert not [name for name, found in life.objects.items() if found is None]


def test_the_first_up_waits_until_every_workload_is_ready(life: Life) -> None:
    workloads = [item for item in life.objects.values() if item and item["kind"] in ("Deployment", "StatefulSet")]
    assert workloads
    for item in workloads:
        assert item["status"].get("readyReplicas") == item["spec"]["replicas"], _label(item)
    jobs = [item for item in life.objects.values() if item and item["kind"] == "Job"]
    assert all(job["status"].get("succeeded") == 1 for job in jobs)


def test_each_release_gets_the_values_that_the_program_declares(life: Life) -> None:
    expected = {release.inputs["name"]: without_nulls(release.inputs["values"]) for release in life.declared.releases}
    assert _without_fingerprint(life.recorded) == _without_fingerprint(expected)


def _without_fingerprint(releases: dict[str, Any]) -> dict[str, Any]:
    """The values without what follows from a key that an evaluation has not."""
    copy = deepcopy(releases)
    if "kube-prometheus-stack" in copy:
        mark = copy["kube-prometheus-stack"]["grafana"]["podAnnotations"].pop(SECRETS_ANNOTATION)
        assert len(mark) == 16
    return copy


def test_a_second_up_changes_nothing(life: Life) -> None:
    assert not life.second_up, life.second_up


def test_a_look_at_the_cluster_shows_no_drift(life: Life) -> None:
    assert life.drift.status == 0, life.drift.text


def test_no_credential_stands_in_clear_outside_its_secret(life: Life) -> None:
    assert life.disclosures == []


def test_the_outputs_tell_where_the_stack_is_and_what_runs(life: Life) -> None:
    settings = life.declared.settings
    assert life.outputs["namespace"] == settings.namespace
    assert life.outputs["modules"] == [module for module, on in settings.modules.items() if on]
    assert set(life.outputs) == {
        "namespace",
        "modules",
        "urls",
        "images",
        "nextCommands",
        "protectedModules",
        "volumes",
        "databaseMajors",
        "dataFormats",
    }


def test_destroy_removes_all_but_the_data_and_its_namespace(life: Life) -> None:
    data = {"Namespace", "PersistentVolumeClaim"}
    if life.declared.settings.backups.enabled:
        # What opens the backups.
        data.add("Secret")
    retained = {_label(dict(one.inputs)) for one in life.declared.resources if one.retain_on_delete}
    assert {name.partition(" ")[0] for name in retained} == data
    assert life.kept == retained
    assert life.destroyed.deleted == life.custom


def test_production_does_not_let_itself_be_destroyed_and_says_how_to_go_on(life: Life) -> None:
    if not life.declared.settings.production:
        assert life.first_destroy.status == 0
        return
    assert life.first_destroy.status != 0
    assert "cannot be deleted" in life.first_destroy.text
    assert "pulumi state unprotect" in life.first_destroy.text
    assert life.after_first_destroy == set(life.objects), "nothing is half gone"
