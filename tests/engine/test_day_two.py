"""Edits of a running stack: what each one touches, and that it touches nothing else."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from testbed.controlplane.api import Object
from testbed.controlplane.readiness import lack
from testbed.controlplane.rig import ControlPlane
from testbed.engine.changes import Changes, short
from testbed.engine.configurations import DEV
from testbed.engine.deployment import Deploy, Deployment
from testbed.engine.stack import THROW_AWAY, Operation
from testbed.stacks import Config

REDIS = frozenset({
    "ConfigMap redis-redis-config",
    "NetworkPolicy redis-network-policy",
    "PersistentVolumeClaim redis-data",
    "PodDisruptionBudget redis-budget",
    "Secret redis-secret",
    "Secret redis-users",
    "Service redis-headless-service",
    "Service redis-service",
    "ServiceAccount redis-service-account",
    "Stash redis-dump-password",
    "Stash redis-exporter-password",
    "Stash redis-password",
    "Stash redis-restore-password",
    "StatefulSet redis-stateful-set",
})  # fmt: skip
API_FOLLOWS = {
    "updated": {"NetworkPolicy api-network-policy", "Deployment api-deployment"},
    "replaced": {"ConfigMap api-config"},
}
"""What the api does when a service that it uses comes or goes."""

QUIET_SECONDS = 3.0
"""An `up` that saw an unready pod as ready ended within half a second."""
INGRESS: Config = DEV | {"domain": "one.example.com", "ingress": {"enabled": True}}


def expected(
    created: set[str] | frozenset[str] = frozenset(),
    updated: set[str] | frozenset[str] = frozenset(),
    replaced: set[str] | frozenset[str] = frozenset(),
    deleted: set[str] | frozenset[str] = frozenset(),
) -> Changes:
    return Changes(frozenset(created), frozenset(updated), frozenset(replaced), frozenset(deleted))


@pytest.fixture(scope="module")
def plain(deploy: Deploy) -> Deployment:
    deployment = deploy("plain", DEV)
    deployment.up()
    return deployment


@pytest.fixture(scope="module")
def exposed(deploy: Deploy, control_plane: ControlPlane) -> Deployment:
    control_plane.install_definitions([_middlewares()])
    deployment = deploy("exposed", INGRESS)
    deployment.up()
    return deployment


@contextmanager
def restored(deployment: Deployment) -> Generator[Deployment]:
    """The stack for one test; afterwards it is what it was."""
    before = deployment.config
    yield deployment
    if deployment.config != before:
        deployment.config = before
        deployment.configure()
        deployment.up()


@pytest.fixture
def dev(plain: Deployment) -> Generator[Deployment]:
    with restored(plain) as deployment:
        yield deployment


@pytest.fixture
def public(exposed: Deployment) -> Generator[Deployment]:
    with restored(exposed) as deployment:
        yield deployment


def edit(deployment: Deployment, changed: Config) -> Changes:
    deployment.configure(changed)
    return deployment.up()


def read(rig: ControlPlane, deployment: Deployment, api_version: str, kind: str, name: str) -> Any:  # noqa: ANN401
    return rig.api.get(api_version, kind, name, str(deployment.config["namespace"]))


def _middlewares() -> Object:
    """Traefik's kind, as its chart would bring it."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    names = {"kind": "Middleware", "plural": "middlewares", "singular": "middleware", "listKind": "MiddlewareList"}
    version = {"name": "v1alpha1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "middlewares.traefik.io"},
        "spec": {"group": "traefik.io", "scope": "Namespaced", "names": names, "versions": [version]},
    }


def test_redis_comes_goes_and_comes_back_to_its_data_on_a_larger_volume(
    dev: Deployment, control_plane: ControlPlane
) -> None:
    assert edit(dev, {"redis": {"enabled": True}}) == expected(created=REDIS, **API_FOLLOWS)
    claim = read(control_plane, dev, "v1", "PersistentVolumeClaim", "archesai-redis-data")

    assert edit(dev, {"redis": None}) == expected(deleted=REDIS, **API_FOLLOWS)
    assert control_plane.api.read(claim), "the data stays"

    assert edit(dev, {"redis": {"enabled": True, "size": "8Gi"}}) == expected(created=REDIS, **API_FOLLOWS)
    again = read(control_plane, dev, "v1", "PersistentVolumeClaim", "archesai-redis-data")
    assert again["metadata"]["uid"] == claim["metadata"]["uid"]
    assert again["spec"]["volumeName"] == claim["spec"]["volumeName"]
    _wait_for_size(control_plane, again, "8Gi")


def _wait_for_size(rig: ControlPlane, claim: Object, size: str) -> None:
    def lack() -> list[str]:
        found = rig.api.read(claim)
        return [] if found and found["status"]["capacity"]["storage"] == size else ["the volume has not grown yet"]

    rig.wait_for(f"a volume of {size}", lack)


def test_scaling_the_api_touches_its_deployment_only(dev: Deployment, control_plane: ControlPlane) -> None:
    assert edit(dev, {"api": {"replicas": 2}}) == expected(updated={"Deployment api-deployment"})
    assert read(control_plane, dev, "apps/v1", "Deployment", "archesai-api")["status"]["readyReplicas"] == 2


def test_a_new_version_of_the_api_migrates_first(dev: Deployment) -> None:
    done = edit(dev, {"api": {"image": {"tag": "v1.0.1"}}})
    assert done == expected(updated={"Deployment api-deployment"}, replaced={"Job migrations-job"})
    assert done.before("Job migrations-job", "Deployment api-deployment")


def test_an_up_is_over_when_the_rollout_of_its_own_change_is_and_not_before(
    dev: Deployment, control_plane: ControlPlane
) -> None:
    def live() -> Any:  # noqa: ANN401
        return read(control_plane, dev, "apps/v1", "Deployment", "archesai-platform")

    before = live()
    dev.configure({"platform": {"image": {"tag": "v1.0.1"}}})
    with control_plane.without_kubelets():
        with control_plane.without_controllers():
            operation = dev.start("up", "--yes", "--skip-preview", environment=THROW_AWAY)
            _wait_until(control_plane, "the change is there", lambda: _generation(live()) > _generation(before))
            _stays(operation)
            # The Deployment still says of the pods before the change that all of them are available.
            assert live()["status"] == before["status"]
        _wait_until(control_plane, "a new pod is made", lambda: live()["status"].get("updatedReplicas") == 1)
        _stays(operation)
        assert live()["status"]["availableReplicas"] == before["status"]["availableReplicas"]
    operation.wait().check()
    assert lack(live()) is None


def _generation(item: Any) -> int:  # noqa: ANN401
    return int(item["metadata"]["generation"])


def _wait_until(rig: ControlPlane, what: str, reached: Callable[[], bool]) -> None:
    rig.wait_for(what, lambda: [] if reached() else ["not yet"])


def _stays(operation: Operation) -> None:
    """A moment in which the operation would end if what it sees were enough for it."""
    time.sleep(QUIET_SECONDS)
    assert operation.process.poll() is None, operation.text()


def test_a_migration_that_fails_stops_the_rollout_and_the_next_up_runs_it_again(
    dev: Deployment, control_plane: ControlPlane
) -> None:
    nowhere = {"nodeSelector": {"archesai.test/room": "yes"}}
    dev.configure({"api": {"image": {"tag": "v1.0.2"}, "scheduling": nowhere}, "migrations": {"timeout": 5}})
    before = read(control_plane, dev, "apps/v1", "Deployment", "archesai-api")
    failed = dev.run("up", "--yes", "--skip-preview", environment=THROW_AWAY)
    assert failed.status != 0
    assert "archesai-migrations" in failed.text
    assert "DeadlineExceeded" in failed.text
    stopped = read(control_plane, dev, "apps/v1", "Deployment", "archesai-api")
    assert stopped["metadata"]["generation"] == before["metadata"]["generation"]
    assert stopped["status"]["readyReplicas"] == 1

    for node in control_plane.api.list("v1", "Node"):
        control_plane.api.patch(node, {"metadata": {"labels": {"archesai.test/room": "yes"}}})
    again = dev.up()
    assert "Deployment api-deployment" in again.updated
    assert "Job migrations-job" in again.replaced | again.created
    rolled = read(control_plane, dev, "apps/v1", "Deployment", "archesai-api")
    assert rolled["spec"]["template"]["spec"]["containers"][0]["image"].endswith(":v1.0.2")


def test_a_setting_of_postgres_rolls_the_database_only(dev: Deployment, control_plane: ControlPlane) -> None:
    server = read(control_plane, dev, "apps/v1", "StatefulSet", "archesai-postgres")
    done = edit(dev, {"database": {"postgres": {"maxConnections": 150}}})
    assert done == expected(updated={"StatefulSet database-stateful-set"})
    rolled = read(control_plane, dev, "apps/v1", "StatefulSet", "archesai-postgres")
    assert rolled["metadata"]["uid"] == server["metadata"]["uid"]
    assert rolled["status"]["currentRevision"] != server["status"]["currentRevision"]


def test_a_new_password_rolls_the_server_and_who_uses_it(dev: Deployment, control_plane: ControlPlane) -> None:
    before = read(control_plane, dev, "v1", "Secret", "archesai-database")
    assert edit(dev, {"database": {"passwordVersion": 2}}) == expected(
        updated={"Secret database-secret", "StatefulSet database-stateful-set", "Deployment api-deployment"},
        replaced={"Stash database-password"},
    )
    after = read(control_plane, dev, "v1", "Secret", "archesai-database")
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["data"]["POSTGRES_PASSWORD"] != before["data"]["POSTGRES_PASSWORD"]
    assert not dev.preview("--refresh")


def test_the_stack_is_the_same_from_another_kubeconfig_path(
    dev: Deployment, control_plane: ControlPlane, tmp_path: Path
) -> None:
    elsewhere = shutil.copy(control_plane.admin_kubeconfig, tmp_path / "elsewhere.kubeconfig")
    preview = dev.run("preview", "--expect-no-changes", environment={"KUBECONFIG": str(elsewhere)})
    assert preview.status == 0, preview.text


def test_two_stacks_live_side_by_side_on_one_cluster(dev: Deployment, deploy: Deploy) -> None:
    other = deploy("other", DEV)
    assert other.up().created == {short(one.urn) for one in other.declared().resources if one.custom}
    assert not dev.preview("--refresh"), "the first does not see the second"
    other.destroy()
    assert not dev.preview("--refresh"), "the second took nothing of the first with it"


def test_a_stack_does_not_take_the_namespace_of_another(
    dev: Deployment, deploy: Deploy, control_plane: ControlPlane
) -> None:
    intruder = deploy("intruder", DEV | {"namespace": dev.config["namespace"]})
    outcome = intruder.run("up", "--yes", "--skip-preview", environment=THROW_AWAY)
    assert outcome.status != 0
    assert "conflict" in outcome.text
    intruder.destroy()
    for item in dev.declared().objects:
        found = control_plane.api.read(item)
        assert found, item["metadata"]["name"]
        if item["kind"] != "Namespace":
            assert found["metadata"]["labels"]["app.kubernetes.io/instance"] == dev.name


@pytest.mark.provider("4.29.0", "refusing an object that exists")
def test_a_namespace_that_others_made_for_a_chart_is_refused_and_stays_theirs(
    deploy: Deploy, control_plane: ControlPlane
) -> None:
    theirs: Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "others-velero"}}
    control_plane.api.create(theirs)
    bucket = {"enabled": True, "bucket": "backups", "endpoint": "https://s3.example.com", "existingSecret": "keys"}
    newcomer = deploy("newcomer", DEV | {"backups": bucket | {"velero": {"namespace": "others-velero"}}})
    outcome = newcomer.run("up", "--yes", "--skip-preview", environment=THROW_AWAY)
    assert outcome.status != 0
    assert "already exists" in outcome.text
    newcomer.destroy()
    found = control_plane.api.read(theirs)
    assert found
    assert "app.kubernetes.io/instance" not in found["metadata"]["labels"]
    control_plane.api.delete(theirs)


def test_a_volume_grows_under_the_running_database(exposed: Deployment, control_plane: ControlPlane) -> None:
    # It stays grown: no volume shrinks.
    server = read(control_plane, exposed, "apps/v1", "StatefulSet", "archesai-postgres")
    claim = read(control_plane, exposed, "v1", "PersistentVolumeClaim", "archesai-postgres-data")
    done = edit(exposed, {"database": {"size": "40Gi"}})
    assert "PersistentVolumeClaim database-data" in done.updated
    assert done.updated <= {"PersistentVolumeClaim database-data", "StatefulSet database-stateful-set"}
    assert done == expected(updated=done.updated)
    _wait_for_size(control_plane, claim, "40Gi")
    assert (
        read(control_plane, exposed, "apps/v1", "StatefulSet", "archesai-postgres")["metadata"]["uid"]
        == (server["metadata"]["uid"])
    )


def test_another_domain_renames_the_hosts(public: Deployment, control_plane: ControlPlane) -> None:
    assert edit(public, {"domain": "two.example.com"}) == expected(
        updated={"Ingress ingress-api", "Ingress ingress-platform", "Deployment api-deployment"},
        replaced={"ConfigMap api-config"},
    )
    ingress = read(control_plane, public, "networking.k8s.io/v1", "Ingress", "archesai-api")
    assert [rule["host"] for rule in ingress["spec"]["rules"]] == ["api.two.example.com"]


def test_another_ingress_class_turns_the_ingresses_and_lets_its_controller_in(public: Deployment) -> None:
    done = edit(public, {"ingress": {"className": "traefik"}})
    assert {"Ingress ingress-api", "Ingress ingress-platform"} <= done.updated
    assert done.updated <= {
        "Ingress ingress-api",
        "Ingress ingress-platform",
        "NetworkPolicy api-network-policy",
        "NetworkPolicy platform-network-policy",
    }
    assert {name.partition(" ")[0] for name in done.created} == {"Middleware"}
    assert done == expected(created=done.created, updated=done.updated)


def test_an_external_database_takes_the_place_of_the_managed_one(
    public: Deployment, control_plane: ControlPlane
) -> None:
    claim = read(control_plane, public, "v1", "PersistentVolumeClaim", "archesai-postgres-data")
    managed = {short(one.urn) for one in public.declared().resources if "archesai:index:Database$" in one.urn}
    external = {"mode": "external", "existingSecret": "their-database", "host": "db.example.com"}
    public.configure({"database": None})
    done = edit(public, {"database": external})
    assert done.deleted == managed
    assert {"Deployment api-deployment", "NetworkPolicy api-network-policy"} <= done.updated
    assert not done.created
    assert control_plane.api.read(claim), "the data stays"


def test_another_namespace_is_another_home_and_the_old_data_stays(
    public: Deployment, control_plane: ControlPlane
) -> None:
    claim = read(control_plane, public, "v1", "PersistentVolumeClaim", "archesai-postgres-data")
    objects = {short(one.urn) for one in public.declared().resources if one.is_object}
    done = edit(public, {"namespace": "exposed-elsewhere"})
    assert done == expected(replaced=objects)
    assert control_plane.api.read(claim), "the data stays"
    assert read(control_plane, public, "apps/v1", "StatefulSet", "archesai-postgres")["status"]["readyReplicas"] == 1
