"""The plan of `arches adopt` for a deployment that the old manifests made, on a real API server."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from testbed.adopt.kustomized import DATABASE_CLAIM, PASSWORD, old_deployment
from testbed.cli.projects import no_engine, project
from testbed.cli.running import Ran, run
from testbed.controlplane.api import Object
from testbed.controlplane.kubeconfigs import CONTEXT
from testbed.controlplane.rig import ControlPlane

Adopt = Callable[..., Ran]

__all__ = ["no_engine", "project"]

pytestmark = pytest.mark.cluster

WHOLE = """\
config:
  archesai:environment: development
  archesai:redis: {enabled: true}
  archesai:storage: {enabled: true}
  archesai:ingress: {enabled: true}
"""


@pytest.fixture(scope="module")
def old(control_plane: ControlPlane) -> Generator[str]:
    """The namespace of a running old deployment, made by `kubectl apply` as Kustomize's users do."""
    namespace = f"old-{uuid.uuid4().hex[:6]}"
    items = old_deployment(namespace)
    apply(control_plane, items)
    control_plane.wait_ready(*items)
    yield namespace
    control_plane.api.delete(items[0])


def apply(rig: ControlPlane, items: list[Object]) -> None:
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    done = rig.kubectl("apply", "--filename=-", stdin=text)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def adopt(project: Path, no_engine: None, control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> Adopt:
    """`arches adopt --plan-only` for a namespace, without an engine."""
    assert no_engine is None
    monkeypatch.setenv("KUBECONFIG", str(control_plane.admin_kubeconfig))
    (project / "Pulumi.dev.yaml").write_text(WHOLE)

    def plan(namespace: str, *more: str) -> Ran:
        return run("adopt", "--plan-only", "--namespace", namespace, *more)

    return plan


def told(adopt: Adopt, namespace: str) -> Any:  # noqa: ANN401 - JSON
    result = adopt(namespace, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.output)


def of_fate(plan: Any, fate: str) -> set[str]:  # noqa: ANN401 - JSON
    return {f"{one['kind']} {one['name']}" for one in plan["objects"] if one["fate"] == fate}


def test_the_plan_tells_what_becomes_of_each_object(adopt: Adopt, old: str) -> None:
    plan = told(adopt, old)
    assert plan["obstacles"] == []
    assert of_fate(plan, "cannot be taken") == {
        "Deployment archesai-api", "Deployment archesai-platform", "StatefulSet archesai-postgres",
    }  # fmt: skip
    assert of_fate(plan, "has no place") == {
        "ConfigMap archesai-config",
        "Deployment archesai-redis",
        "Deployment archesai-storage",
        "Secret archesai-database-5f7h2k9g4t",
        "ServiceAccount archesai",
    }
    assert len(of_fate(plan, "taken, then changed")) == 12
    assert plan["restarts"] == ["api", "database", "platform", "redis", "storage"]


def test_the_data_is_found_on_its_volumes(adopt: Adopt, old: str, control_plane: ControlPlane) -> None:
    volumes = {one["claim"]: one for one in told(adopt, old)["volumes"]}
    assert set(volumes) == {DATABASE_CLAIM, "archesai-redis", "archesai-storage"}
    for name, one in volumes.items():
        claim = control_plane.api.get("v1", "PersistentVolumeClaim", name, old)
        assert (one["volume"], one["reclaim_policy"]) == (claim["spec"]["volumeName"], "Delete")


def test_a_person_reads_the_same_and_no_secret(adopt: Adopt, old: str) -> None:
    result = adopt(old)
    assert result.exit_code == 0
    for line in (
        f"namespace: {old}   # where the deployment runs",
        f"database.claimName: {DATABASE_CLAIM}   # the claim that holds the data",
        "databasePassword: [secret]   # in use by archesai-postgres",
        f"kubectl --context {CONTEXT} --namespace {old} delete statefulset/archesai-postgres --cascade=orphan",
        "The first up restarts the pods of: api, database, platform, redis, storage. Adopting restarts none.",
        "State not read (no engine)",
    ):
        assert line in result.output
    assert PASSWORD not in result.output


def test_looking_changes_nothing(adopt: Adopt, old: str, control_plane: ControlPlane, project: Path) -> None:
    def versions() -> dict[str, str]:
        kinds = (("v1", "Service"), ("v1", "PersistentVolumeClaim"), ("apps/v1", "Deployment"), ("v1", "Pod"))
        found = [item for kind in kinds for item in control_plane.api.list(*kind, old)]
        return {item["metadata"]["uid"]: item["metadata"]["resourceVersion"] for item in found}

    before = versions()
    told(adopt, old)
    assert versions() == before
    assert (project / "Pulumi.dev.yaml").read_text() == WHOLE


def test_a_namespace_that_is_missing_or_runs_nothing_is_said(adopt: Adopt, fresh_namespace: str) -> None:
    missing = adopt("nowhere")
    assert (missing.exit_code, missing.output) == (1, "")
    assert "there is no namespace nowhere: name the deployment's namespace with --namespace" in missing.stderr
    empty = adopt(fresh_namespace)
    assert empty.exit_code == 1
    assert f"namespace {fresh_namespace} runs nothing and holds no data" in empty.stderr
    assert "start with arches up --stack dev" in empty.stderr


def test_what_helm_has_is_refused_by_name(adopt: Adopt, fresh_namespace: str, control_plane: ControlPlane) -> None:
    items = old_deployment(fresh_namespace)[1:]
    api = next(item for item in items if (item["kind"], item["metadata"]["name"]) == ("Service", "archesai-api"))
    api["metadata"]["labels"] |= {"app.kubernetes.io/managed-by": "Helm"}
    api["metadata"]["annotations"] = {"meta.helm.sh/release-name": "arches"}
    apply(control_plane, items)
    result = adopt(fresh_namespace)
    assert result.exit_code == 1
    assert "Nothing is adopted until this is resolved:" in result.output
    assert "Service archesai-api belongs to Helm release arches: make Helm forget the release" in result.output


@pytest.fixture(scope="module")
def viewer(control_plane: ControlPlane) -> Path:
    """The kubeconfig of somebody who may not read Secrets."""
    return control_plane.kubeconfig("adopt-viewer", cluster_roles=["view"])


def test_one_without_rights_is_told_which_are_missing(
    viewer: Path, adopt: Adopt, old: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(viewer))
    result = adopt(old)
    assert result.exit_code == 4
    assert "cannot list resource" in result.stderr
    assert "ask the cluster's administrator for the missing rights" in result.stderr
