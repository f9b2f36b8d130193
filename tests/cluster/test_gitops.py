"""A stack that Argo CD's own library syncs."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from archesai_infra.stack.evaluate import Evaluation, evaluate
from testbed.cluster.argocd import Synced, synchronize
from testbed.controlplane.api import MERGE_PATCH, Object
from testbed.controlplane.fixtures import parts_or_skip
from testbed.controlplane.rig import ControlPlane
from testbed.stacks import Config, find, raw, render

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1500)]

LOOK_SECONDS = 0.2
API: dict[str, Any] = {"existingSecret": "api", "autoscaling": {"enabled": True, "minReplicas": 2}}
BASE: Config = {
    "environment": "development",
    "gitops": {"enabled": True, "repoUrl": "https://git.example.com/platform/arches.git"},
    "database": {"existingSecret": "database"},
    "api": API,
}
EDITS: dict[str, Config] = {
    "a setting of the api": {"api": API | {"logLevel": "debug"}},
    "an existing Secret": {"database": {"existingSecret": "database-2"}},
    "an image": {"api": API | {"image": {"tag": "v2.0.0"}}},
}
SECRETS = {
    "api": ("JWT_SECRET",),
    "database": ("POSTGRES_PASSWORD", "DATABASE_URL"),
    "database-2": ("POSTGRES_PASSWORD", "DATABASE_URL"),
}
CONTENT_NAMED = {"ConfigMap": "v1", "Job": "batch/v1"}
"""Version of the kinds whose name follows from their content."""


class Sync:
    """Syncs of one stack, one after the other."""

    def __init__(self, rig: ControlPlane, namespace: str, directory: Path) -> None:
        self.rig, self.namespace = rig, namespace
        self._program = parts_or_skip("argocd-sync")["argocd-sync"]
        self._directory = directory
        self._count = 0

    def manifests(self, edit: Config) -> Evaluation:
        """What the repository holds after an edit, but the autoscaler: without metrics Argo CD calls it degraded."""
        whole = evaluate(raw(BASE | {"namespace": self.namespace} | edit))
        kept = tuple(item for item in whole.resources if item.inputs.get("kind") != "HorizontalPodAutoscaler")
        return replace(whole, resources=kept)

    def __call__(self, edit: Config) -> Synced:
        application = find(render(BASE | {"namespace": self.namespace} | edit), "Application", "archesai-dev")
        self._count += 1
        directory = self._directory / str(self._count)
        return synchronize(self._program, self.rig, application, self.manifests(edit), directory)

    def present(self, kind: str) -> set[str]:
        """Names of the objects of a kind that a stack names by their content."""
        listed = self.rig.api.list(CONTENT_NAMED[kind], kind, self.namespace)
        return {item["metadata"]["name"] for item in listed} - {"kube-root-ca.crt"}

    def wait_until_only(self, kind: str, wanted: set[str]) -> None:
        """Wait until what was pruned is deleted; it takes its pods with it."""
        self.rig.wait_for(f"{kind} objects {sorted(wanted)}", lambda: sorted(self.present(kind) ^ wanted))


@pytest.fixture
def sync(control_plane: ControlPlane, fresh_namespace: str, tmp_path: Path) -> Sync:
    """Syncs into a namespace that has the Secrets."""
    made = [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": fresh_namespace},
            "stringData": dict.fromkeys(keys, "made-up"),
        }
        for name, keys in SECRETS.items()
    ]
    control_plane.apply(made).check()
    return Sync(control_plane, fresh_namespace, tmp_path)


def _config_maps(pod: Object) -> set[str]:
    return {item["configMap"]["name"] for item in pod["spec"].get("volumes", []) if "configMap" in item}


def _lost(rig: ControlPlane, namespace: str) -> Iterator[str]:
    """Pods which could not start now, as a ConfigMap that they name does not exist."""
    # In this order: what a pod names was there before the pod.
    pods = rig.api.list("v1", "Pod", namespace)
    there = {item["metadata"]["name"] for item in rig.api.list("v1", "ConfigMap", namespace)}
    for pod in pods:
        ended = "deletionTimestamp" in pod["metadata"] or pod["status"].get("phase") in ("Succeeded", "Failed")
        if not ended and (absent := _config_maps(pod) - there):
            yield f"{pod['metadata']['name']} has lost {sorted(absent)}"


@contextmanager
def watched(rig: ControlPlane, namespace: str) -> Generator[set[str]]:
    """What is lost at some moment while something else happens."""
    lost: set[str] = set()
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(LOOK_SECONDS):
            lost.update(_lost(rig, namespace))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield lost
    finally:
        ended.set()
        thread.join()


def _scale(sync: Sync, replicas: int) -> None:
    path = f"/apis/apps/v1/namespaces/{sync.namespace}/deployments/archesai-api/scale"
    sync.rig.api.request("PATCH", path, body={"spec": {"replicas": replicas}}, content_type=MERGE_PATCH)


def test_argo_cd_converges_after_each_edit_and_prunes_nothing_before_what_takes_its_place(sync: Sync) -> None:
    first = sync({})
    assert (first.phase, first.problems, first.differences) == ("Succeeded", {}, ()), first
    _scale(sync, 4)
    for edit, config in EDITS.items():
        with watched(sync.rig, sync.namespace) as lost:
            synced = sync(config)
        assert (synced.phase, synced.problems, synced.differences) == ("Succeeded", {}, ()), (edit, synced)
        assert lost == set(), edit
        # The autoscaler's number is left alone.
        assert sync.rig.api.get("apps/v1", "Deployment", "archesai-api", sync.namespace)["spec"]["replicas"] == 4, edit
        wanted = sync.manifests(config).objects
        for kind in CONTENT_NAMED:
            sync.wait_until_only(kind, {item["metadata"]["name"] for item in wanted if item["kind"] == kind})
        pruned = synced.names("Pruned")
        assert pruned, edit
        assert {name.partition("/")[0] for name in pruned} <= set(CONTENT_NAMED), edit
    assert sync(EDITS["an image"]).names("Pruned") == []
