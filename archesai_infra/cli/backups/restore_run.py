"""Carry a restore out, step by step."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from archesai_infra.cli.backups.restore_plan import NEW_VOLUMES, NEW_VOLUMES_RULES, Step, Target
from archesai_infra.cli.backups.store import POLL_SECONDS, Store, StoredDump, dump_of, say, stamp
from archesai_infra.cli.base.cluster import MERGE_PATCH, Object
from archesai_infra.cli.base.exits import CommandError, Exit
from archesai_infra.components.backups import dump, objects, schedules, scripts

_WORKLOADS = {"apps/v1": ("deployments", "statefulsets", "daemonsets"), "batch/v1": ("jobs", "cronjobs")}


def look(store: Store, namespace: str) -> Target:
    """What is in a namespace."""
    cluster = store.cluster
    exists = cluster.find(f"/api/v1/namespaces/{namespace}") is not None
    claims = cluster.list(f"/api/v1/namespaces/{namespace}/persistentvolumeclaims")
    running = [
        f"{plural.removesuffix('s')} {item['metadata']['name']}"
        for version, plurals in _WORKLOADS.items()
        for plural in plurals
        for item in cluster.list(f"/apis/{version}/namespaces/{namespace}/{plural}")
    ]
    named = tuple(f"claim {item['metadata']['name']}" for item in claims)
    return Target(namespace, exists, named, tuple(running), tuple(_survivors(store, namespace)))


def _survivors(store: Store, namespace: str) -> dict[str, str]:
    """Claim by volume, of the volumes that outlived their claims; none for a copy, nor that of the dumps."""
    found: dict[str, str] = {}
    for volume in store.cluster.list("/api/v1/persistentvolumes"):
        claim = volume["spec"].get("claimRef", {})
        kept = volume["spec"].get("persistentVolumeReclaimPolicy") == "Retain" and claim.get("name") != dump.CLAIM
        if kept and claim.get("namespace") == namespace == store.settings.namespace:
            found[volume["metadata"]["name"]] = claim["name"]
    return found


def dump_on_volume(store: Store, backup: Object, module: str) -> bool:
    """Whether the dump pod's volume still has a backup's dump."""
    try:
        return dump_of(backup, module, store.dumps()) is not None
    except CommandError:
        return False


@dataclass
class Run:
    """A restore under way."""

    store: Store
    backup: Object
    namespace: str
    """Where it goes."""
    seconds: float
    """Time for all of it."""
    in_place: bool
    """Only one module's content comes back; everything else runs on."""

    def __post_init__(self) -> None:
        self._deadline = time.monotonic() + self.seconds
        self._stamp = stamp()
        self._suspended = False

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return max(self._deadline - time.monotonic(), 0)

    def carry_out(self, steps: Sequence[Step]) -> None:
        """Every step in its order; raises CommandError at the first that fails."""
        if not self.in_place:
            self._free_volumes()
        for step in steps:
            say(f"{step.name}: {step.text}")
            if step.spec is not None:
                self._restore(step)
            if step.name == "copy-job":
                self._suspend(on=True)
            for name in step.waits:
                self._wait(f"StatefulSet {name} is not ready", lambda name=name: self._ready(name))
            if step.module == "storage":
                self._load_objects()
            elif step.module:
                self._load(step.module)
        if self._suspended:
            self._finish_copy_job()

    def _restore(self, step: Step) -> None:
        scale = self.in_place and step.name == "dumps"
        if scale:
            # Velero fills the volume of a pod that it makes itself.
            self._scale(0)
        name = f"{self.backup['metadata']['name'][:190]}-{step.name}-{self._stamp}"
        try:
            spec = step.spec or {}
            if "resourceModifier" in spec:
                self._provide_rules()
            self.store.create("Restore", "restores", name, spec, {schedules.STACK_LABEL: self.store.stack})
            done = self.store.wait("restores", name, self.left, say)
        finally:
            if scale:
                self._scale(1)
        status = done["status"]
        if status.get("phase") != "Completed":
            why = status.get("failureReason") or "; ".join(status.get("validationErrors", []))
            raise CommandError(
                f"restore {name} ended as {status.get('phase')}, {status.get('errors', 0)} errors"
                + (f": {why}" if why else "")
                + f". Its log: velero --namespace {self.store.namespace} restore logs {name}",
                Exit.FOUND,
            )
        if step.name == "claims":
            self._check_claims(name)

    def _check_claims(self, restore: str) -> None:
        """A claim that was there already means that its content is not the backup's."""
        found = self.store.cluster.list(f"/api/v1/namespaces/{self.namespace}/persistentvolumeclaims")
        foreign = [
            item["metadata"]["name"]
            for item in found
            if item["metadata"].get("labels", {}).get("velero.io/restore-name") != restore
        ]
        if foreign:
            raise CommandError(f"claims were there before the restore: {', '.join(foreign)}", Exit.FOUND)

    def _free_volumes(self) -> None:
        """Volumes that outlived their claims remember them: let the restored claims have them again."""
        for name, claim in _survivors(self.store, self.namespace).items():
            say(f"volume {name} of {claim} is still there and is used again")
            change = {"spec": {"claimRef": {"uid": None, "resourceVersion": None}}}
            path = f"/api/v1/persistentvolumes/{name}"
            self.store.cluster.send("PATCH", path, change, content_type=MERGE_PATCH)

    def _provide_rules(self) -> None:
        """The rules by which restored claims forget their volumes."""
        path = f"/api/v1/namespaces/{self.store.namespace}/configmaps"
        if self.store.cluster.find(f"{path}/{NEW_VOLUMES}") is None:
            metadata = {"name": NEW_VOLUMES, "namespace": self.store.namespace}
            body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"rules": NEW_VOLUMES_RULES}}
            self.store.cluster.send("POST", path, body)

    def _load(self, module: str) -> None:
        dumps = self.store.dumps(self.namespace)
        found = dump_of(self.backup, module, dumps)
        if found is None:
            there = ", ".join(one.name for one in dumps if one.module == module) or "none"
            raise CommandError(f"the volume has no dump of {module} from this backup; it has {there}", Exit.FOUND)
        self._execute(module, found)

    def _execute(self, module: str, found: StoredDump) -> None:
        command = [*scripts.run(f"restore-{module}.sh"), found.name]
        container = schedules.CONTAINERS[module]
        done = self.store.cluster.execute(
            self.namespace, dump.POD, command, container=container, seconds=max(self.left, 1)
        )
        for line in (done.output + done.error).splitlines():
            say(f"  {line}")
        if done.status:
            over = not self.left
            text = "has not ended in time; it goes on in the pod" if over else f"failed with status {done.status}"
            raise CommandError(f"the restore of {module} {text}", Exit.TIMEOUT if over else Exit.FOUND)

    def _load_objects(self) -> None:
        cron_job = self.store.cluster.get(self._copy_job())
        spec: Object = cron_job["spec"]["jobTemplate"]["spec"]
        spec["template"]["spec"]["containers"][0]["args"] = ["restore"]
        name = f"{objects.NAME}-restore-{self._stamp}"
        body = {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": spec,
        }
        path = f"/apis/batch/v1/namespaces/{self.namespace}/jobs"
        self.store.cluster.send("POST", path, body)

        def ended() -> bool:
            status = self.store.cluster.get(f"{path}/{name}").get("status", {})
            conditions = {one["type"] for one in status.get("conditions", []) if one["status"] == "True"}
            if "Failed" in conditions:
                raise CommandError(
                    f"the objects did not come back: kubectl --namespace {self.namespace} logs job/{name}", Exit.FOUND
                )
            return "Complete" in conditions

        self._wait(f"Job {name} has not ended", ended)

    def _copy_job(self) -> str:
        return f"/apis/batch/v1/namespaces/{self.namespace}/cronjobs/{objects.NAME}"

    def _suspend(self, *, on: bool) -> None:
        self._suspended = on
        self.store.cluster.send("PATCH", self._copy_job(), {"spec": {"suspend": on}}, content_type=MERGE_PATCH)

    def _finish_copy_job(self) -> None:
        """The copy goes on again; that of a stack's copy goes, for it would write over the real one."""
        if self.namespace == self.store.settings.namespace:
            self._suspend(on=False)
        else:
            self.store.cluster.send("DELETE", self._copy_job())

    def _scale(self, replicas: int) -> None:
        path = f"/apis/apps/v1/namespaces/{self.namespace}/statefulsets/{dump.NAME}"
        self.store.cluster.send("PATCH", path, {"spec": {"replicas": replicas}}, content_type=MERGE_PATCH)
        if not replicas:
            pod = f"/api/v1/namespaces/{self.namespace}/pods/{dump.POD}"
            self._wait(f"pod {dump.POD} is still there", lambda: self.store.cluster.find(pod) is None)

    def _ready(self, name: str) -> bool:
        path = f"/apis/apps/v1/namespaces/{self.namespace}/statefulsets/{name}"
        status = self.store.cluster.get(path).get("status", {})
        return int(status.get("readyReplicas", 0)) >= 1

    def _wait(self, unmet: str, met: Callable[[], bool]) -> None:
        while not met():
            if not self.left:
                raise CommandError(f"{unmet} after {self.seconds:.0f} s", Exit.TIMEOUT)
            time.sleep(POLL_SECONDS)
