"""Carry out a restore, step by step."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from archesai_infra.cli.backups.place import prepare
from archesai_infra.cli.backups.restore_plan import PLACE, RULES, SECRETS, Step, Target
from archesai_infra.cli.backups.secrets import Secrets
from archesai_infra.cli.backups.store import POLL_SECONDS, Store, StoredDump, dump_of, say, stamp
from archesai_infra.cli.base.cluster import MERGE_PATCH, ClusterError, Object
from archesai_infra.cli.base.errors import CommandError, Exit
from archesai_infra.cli.base.kinds import path as path_of
from archesai_infra.components import redis, storage
from archesai_infra.components.backups import dump, objects, schedules, scripts
from archesai_infra.components.redis import users
from archesai_infra.components.storage import users as storage_users

_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")


def look(store: Store, namespace: str) -> Target:
    """What is in a namespace."""
    cluster = store.cluster
    exists = cluster.find(path_of("Namespace", name=namespace)) is not None
    claims = cluster.list(path_of("PersistentVolumeClaim", namespace))
    running = [
        f"{kind.lower()} {item['metadata']['name']}"
        for kind in _WORKLOADS
        for item in cluster.list(path_of(kind, namespace))
    ]
    named = tuple(f"claim {item['metadata']['name']}" for item in claims)
    return Target(namespace, exists, named, tuple(running), tuple(_survivors(store, namespace)))


def _survivors(store: Store, namespace: str) -> dict[str, str]:
    """Claim by volume, of the volumes that outlived their claims; none for a copy, nor that of the dumps."""
    survivors: dict[str, str] = {}
    for volume in store.cluster.list(path_of("PersistentVolume")):
        claim = volume["spec"].get("claimRef", {})
        kept = volume["spec"].get("persistentVolumeReclaimPolicy") == "Retain" and claim.get("name") != dump.CLAIM
        if kept and claim.get("namespace") == namespace == store.settings.namespace:
            survivors[volume["metadata"]["name"]] = claim["name"]
    return survivors


def dump_on_volume(store: Store, backup: Object, module: str) -> bool:
    """Whether the dump pod's volume still has a backup's dump."""
    try:
        return dump_of(backup, module, store.dumps()) is not None
    except (CommandError, ClusterError):
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
    """Only one module's content is restored; everything else keeps running."""
    secrets: Secrets | None = None
    """What the namespace lacks, where the backup holds no Secrets."""

    def __post_init__(self) -> None:
        self._deadline = time.monotonic() + self.seconds
        self._stamp = stamp()
        self._suspended = False
        self.step = ""
        """Name of the step that has begun."""

    @property
    def left(self) -> float:
        """Seconds that remain."""
        return max(self._deadline - time.monotonic(), 0)

    def carry_out(self, steps: Sequence[Step]) -> None:
        """Every step in its order; raises CommandError at the first that fails."""
        if not self.in_place:
            self._free_volumes()
        for step in steps:
            self.step = step.name
            say(f"{step.name}: {step.text}")
            self._begin(step)
            self._wait_for(step)
            if step.module == "storage":
                self._load_objects()
            elif step.module:
                self._load(step.module)
        if self._suspended:
            self._finish_copy_job()

    def _begin(self, step: Step) -> None:
        """What a step does before it waits and loads content."""
        if step.name == PLACE:
            prepare(self.store, self.namespace)
        if step.spec is not None:
            self._restore(step)
        if step.name == SECRETS and self.secrets is not None:
            self._create_secrets(self.secrets)
        if step.name == "copy-job":
            self._suspend(on=True)

    def _create_secrets(self, secrets: Secrets) -> None:
        secrets.create(self.store, self.namespace)
        for command in secrets.others:
            say(f"pods wait for a Secret that the stack does not make: {command}")

    def _restore(self, step: Step) -> None:
        replaces_pod = self.in_place and step.name == "dumps"
        if replaces_pod:
            # Velero fills the volume of a pod that it makes itself.
            self._scale(0)
            self._remove_pod()
            self._wait_for_no_pod()
        name = f"{self.backup['metadata']['name'][:190]}-{step.name}-{self._stamp}"
        try:
            spec = step.spec or {}
            if modifier := spec.get("resourceModifier"):
                self._provide_rules(modifier["name"])
            self.store.create("Restore", name, spec, {schedules.STACK_LABEL: self.store.stack})
            done = self.store.wait("Restore", name, self.left, say)
        finally:
            if replaces_pod:
                self._remove_pod()
                self._scale(1)
        status = done["status"]
        if status.get("phase") != "Completed":
            why = status.get("failureReason") or "; ".join(status.get("validationErrors", []))
            raise CommandError(
                f"restore {name} ended as {status.get('phase')}, {status.get('errors', 0)} errors"
                + (f": {why}" if why else "")
                + f". Its log: velero --kubecontext {self.store.cluster.context} "
                + f"--namespace {self.store.namespace} restore logs {name}",
                Exit.FOUND,
            )
        if step.name == "claims":
            self._check_claims(name)

    def _check_claims(self, restore: str) -> None:
        """A claim that existed before does not have the backup's content."""
        claims = self.store.cluster.list(path_of("PersistentVolumeClaim", self.namespace))
        foreign = [
            item["metadata"]["name"]
            for item in claims
            if item["metadata"].get("labels", {}).get("velero.io/restore-name") != restore
        ]
        if foreign:
            raise CommandError(f"claims existed before the restore: {', '.join(foreign)}", Exit.FOUND)

    def _free_volumes(self) -> None:
        """Volumes that outlived their claims still name them: release them for the restored claims."""
        for name, claim in _survivors(self.store, self.namespace).items():
            say(f"volume {name} of {claim} still exists and is used again")
            change = {"spec": {"claimRef": {"uid": None, "resourceVersion": None}}}
            path = path_of("PersistentVolume", name=name)
            self.store.cluster.send("PATCH", path, change, content_type=MERGE_PATCH)

    def _provide_rules(self, name: str) -> None:
        """The rules by which Velero changes what it restores."""
        path = path_of("ConfigMap", self.store.namespace)
        if self.store.cluster.find(path_of("ConfigMap", self.store.namespace, name)) is None:
            metadata = {"name": name, "namespace": self.store.namespace}
            body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"rules": RULES[name]}}
            self.store.cluster.send("POST", path, body)

    def _load(self, module: str) -> None:
        dumps = self.store.dumps(self.namespace)
        stored = dump_of(self.backup, module, dumps)
        if stored is None:
            others = ", ".join(other.name for other in dumps if other.module == module) or "none"
            raise CommandError(f"the volume has no dump of {module} from this backup; it has {others}", Exit.FOUND)
        self._execute(module, stored)

    def _execute(self, module: str, stored: StoredDump) -> None:
        command = [*scripts.run(f"restore-{module}.sh"), stored.name]
        container = schedules.CONTAINERS[module]
        done = self.store.cluster.execute(
            self.namespace,
            dump.POD,
            command,
            stdin=self._restore_password() if module == redis.MODULE else "",
            container=container,
            seconds=max(self.left, 1),
        )
        for line in (done.output + done.error).splitlines():
            say(f"  {line}")
        if done.status:
            over = not self.left
            text = "did not end in time; it continues in the pod" if over else f"failed with status {done.status}"
            raise CommandError(f"the restore of {module} {text}", Exit.TIMEOUT if over else Exit.FOUND)

    def _restore_password(self) -> str:
        """The line with which the user that may replace redis' content logs in; nothing where there is no such user."""
        secret = self.store.cluster.find(path_of("Secret", self.namespace, users.SECRET))
        if secret is None:
            return ""
        return base64.b64decode(secret["data"][users.RESTORE]).decode() + "\n"

    def _load_objects(self) -> None:
        cron_job = self.store.cluster.get(self._copy_job())
        spec: Object = objects.restoring(cron_job["spec"]["jobTemplate"]["spec"], self._writer())
        name = f"{objects.NAME}-restore-{self._stamp}"
        body = {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": spec,
        }
        path = path_of("Job", self.namespace)
        self.store.cluster.send("POST", path, body)

        def ended() -> bool:
            status = self.store.cluster.get(f"{path}/{name}").get("status", {})
            conditions = {item["type"] for item in status.get("conditions", []) if item["status"] == "True"}
            if "Failed" in conditions:
                raise CommandError(
                    f"the objects were not restored: kubectl --context {self.store.cluster.context} "
                    f"--namespace {self.namespace} logs job/{name}",
                    Exit.FOUND,
                )
            return "Complete" in conditions

        self._wait(f"Job {name} has not ended", ended)

    def _writer(self) -> str:
        """The Secret with the keys that write objects: a server that was made for this restore has no users yet."""
        if self.in_place:
            return storage_users.secret(storage_users.RESTORE)
        return self.store.settings.storage.existing_secret or storage.NAME

    def _copy_job(self) -> str:
        return path_of("CronJob", self.namespace, objects.NAME)

    def _suspend(self, *, on: bool) -> None:
        self._suspended = on
        self.store.cluster.send("PATCH", self._copy_job(), {"spec": {"suspend": on}}, content_type=MERGE_PATCH)

    def _finish_copy_job(self) -> None:
        """Resume the job that copies objects; delete it in a copy of a stack, where it would overwrite the real one."""
        if self.namespace == self.store.settings.namespace:
            self._suspend(on=False)
        else:
            self.store.cluster.send("DELETE", self._copy_job())

    def _scale(self, replicas: int) -> None:
        path = path_of("StatefulSet", self.namespace, dump.NAME)
        self.store.cluster.send("PATCH", path, {"spec": {"replicas": replicas}}, content_type=MERGE_PATCH)

    def _remove_pod(self) -> None:
        """Remove the dump pod; one that Velero made is removed by nobody else."""
        self.store.cluster.delete(path_of("Pod", self.namespace, dump.POD))

    def _wait_for_no_pod(self) -> None:
        pod = path_of("Pod", self.namespace, dump.POD)
        self._wait(f"pod {dump.POD} still exists", lambda: self.store.cluster.find(pod) is None)

    def _wait_for(self, step: Step) -> None:
        for kind, names in (("StatefulSet", step.waits), ("Deployment", step.proxies)):
            for name in names:
                self._wait(f"{kind} {name} is not ready", lambda kind=kind, name=name: self._ready(kind, name))

    def _ready(self, kind: str, name: str) -> bool:
        live = self.store.cluster.get(path_of(kind, self.namespace, name))
        return int(live.get("status", {}).get("readyReplicas", 0)) >= int(live["spec"].get("replicas", 1))

    def _wait(self, unmet: str, met: Callable[[], bool]) -> None:
        while not met():
            if not self.left:
                raise CommandError(f"{unmet} after {self.seconds:.0f} s", Exit.TIMEOUT)
            time.sleep(POLL_SECONDS)
