"""A first `up` of the shipped production file: which Secrets it wants, and the commands that make them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from archesai_infra.cli.base.cluster import Cluster
from archesai_infra.cli.base.errors import CommandError
from archesai_infra.cli.base.kubeconfig import connect
from archesai_infra.cli.engine.existing_secrets import lacking, made_for
from archesai_infra.cli.engine.recovery import require_no_running_migration, require_secrets
from testbed.controlplane.api import Object
from testbed.controlplane.rig import ControlPlane
from testbed.stacks import shipped

pytestmark = pytest.mark.cluster

NAMESPACES = ("archesai", "velero")


def _namespace(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


@pytest.fixture
def cluster(control_plane: ControlPlane) -> Iterator[Cluster]:
    """A cluster without the stack's namespaces, before and after."""
    _remove(control_plane)
    with connect(None, str(control_plane.admin_kubeconfig)) as connected:
        yield connected
    _remove(control_plane)


def _remove(rig: ControlPlane) -> None:
    for name in NAMESPACES:
        rig.api.delete(_namespace(name))
    rig.wait_for("the namespaces to go", lambda: [name for name in NAMESPACES if rig.api.read(_namespace(name))])


def _run(command: str, rig: ControlPlane, credentials: Path) -> None:
    """Run a line of the message as a person would, with a file where it says so."""
    program, *rest = shlex.split(command.replace("<file>", str(credentials)))
    assert program == "kubectl"
    done = rig.kubectl(*rest)
    assert done.returncode == 0, done.stderr


def test_production_is_refused_with_commands_after_which_it_is_not(
    cluster: Cluster, control_plane: ControlPlane, tmp_path: Path
) -> None:
    production = shipped("prod")
    with pytest.raises(CommandError) as refused:
        require_secrets(cluster, production)
    first, *commands = str(refused.value).splitlines()
    assert "archesai/archesai-backups-cloud, velero/archesai-backups-cloud" in first
    credentials = tmp_path / "credentials"
    credentials.write_text("[default]\n", encoding="utf-8")
    for command in commands:
        _run(command.strip(), control_plane, credentials)
    require_secrets(cluster, production)
    assert lacking(cluster, production) == []
    fitting, _ = made_for(cluster, production, "prod", ())
    assert fitting == ["velero"], "what refuses objects that exist must let this one be"


def test_a_secret_without_its_key_is_lacking_and_no_reason_to_make_another(
    cluster: Cluster, control_plane: ControlPlane
) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "archesai-backups-cloud", "namespace": "velero"},
    }
    control_plane.apply([_namespace("velero"), secret]).check()
    [elsewhere, here] = lacking(cluster, shipped("prod"))
    assert (elsewhere.namespace, elsewhere.exists, elsewhere.in_namespace) == ("archesai", False, False)
    assert (here.namespace, here.keys, here.exists) == ("velero", ("cloud",), True)


def _judged(cluster: Cluster) -> tuple[list[str], bool]:
    """What fits, and whether Velero's namespace is among what must not be taken."""
    fitting, others = made_for(cluster, shipped("prod"), "prod", ())
    return fitting, "Namespace velero" in others


def test_a_namespace_of_somebody_else_is_not_taken(cluster: Cluster, control_plane: ControlPlane) -> None:
    """One that another stack made, one where something runs, and one that the stack's own state knows."""
    production = shipped("prod")
    [urn] = [one.urn for one in production.resources if one.name == "backups-namespace-velero"]
    labelled = _namespace("velero")
    control_plane.apply([labelled]).check()
    assert made_for(cluster, production, "prod", ())[0] == ["velero"]
    assert made_for(cluster, production, "prod", (urn,))[0] == []
    control_plane.api.patch(labelled, {"metadata": {"labels": {"app.kubernetes.io/instance": "staging"}}})
    assert _judged(cluster) == ([], True)
    control_plane.api.patch(labelled, {"metadata": {"labels": {"app.kubernetes.io/instance": None}}})
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "velero", "namespace": "velero"},
        "spec": {"containers": [{"name": "velero", "image": "velero"}], "nodeSelector": {"none": "such"}},
    }
    control_plane.wait_for("the default service account", lambda: list(control_plane.apply([pod]).errors.values()))
    assert _judged(cluster) == ([], True)


def test_what_a_killed_run_of_the_stack_made_does_not_keep_it_from_a_namespace_made_for_it(
    cluster: Cluster, control_plane: ControlPlane
) -> None:
    ingress = _namespace("ingress")
    ingress["metadata"]["labels"] = {"app.kubernetes.io/instance": "prod"}
    control_plane.apply([_namespace("velero"), ingress]).check()
    try:
        assert made_for(cluster, shipped("prod"), "prod", ()) == (["velero"], _classes(control_plane))
        _, others = made_for(cluster, shipped("prod"), "another", ())
        assert "Namespace ingress" in others
    finally:
        control_plane.api.delete(ingress)
        control_plane.wait_gone(ingress)


def _classes(rig: ControlPlane) -> list[str]:
    """The class of the stack's name where this cluster has one of somebody else."""
    found = rig.api.read({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "nginx"}})
    return ["IngressClass nginx"] if found else []


def test_a_migration_that_an_interrupted_run_left_is_not_deleted_half_way(
    cluster: Cluster, control_plane: ControlPlane
) -> None:
    require_no_running_migration(cluster, shipped("prod"))
    metadata = {
        "name": "archesai-migrations-1",
        "namespace": "archesai",
        "labels": {"app.kubernetes.io/component": "migrations"},
    }
    pod = {"restartPolicy": "Never", "containers": [{"name": "one", "image": "one"}], "nodeSelector": {"none": "such"}}
    job: Object = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": {"suspend": True, "template": {"spec": pod}},
    }
    control_plane.apply([_namespace("archesai"), job]).check()
    require_no_running_migration(cluster, shipped("prod"))
    control_plane.api.patch(job, {"spec": {"suspend": False}})
    [pod] = _pods(control_plane, job)
    # A pod that cannot start, such as for a wrong tag, must not keep the corrected tag from coming.
    require_no_running_migration(cluster, shipped("prod"))
    running = {"name": "one", "state": {"running": {}}, "image": "one", "imageID": "", "ready": True, "restartCount": 0}
    control_plane.api.patch(pod, {"status": {"phase": "Running", "containerStatuses": [running]}}, status=True)
    with pytest.raises(CommandError, match="Job archesai-migrations-1 of an earlier run still migrates"):
        require_no_running_migration(cluster, shipped("prod"))


def _pods(rig: ControlPlane, job: Object) -> list[Object]:
    """The Job's pods, once the Job knows of one."""
    rig.wait_for("the Job's pod", lambda: [] if _active(rig, job) else ["none"])
    selector = f"batch.kubernetes.io/job-name={job['metadata']['name']}"
    return rig.api.list("v1", "Pod", job["metadata"]["namespace"], labels=selector)


def _active(rig: ControlPlane, job: Object) -> bool:
    return bool((rig.api.read(job) or {}).get("status", {}).get("active"))
