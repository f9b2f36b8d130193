"""The real Velero on the loopback control plane: its server, its plugin, an S3 service, and a stand-in node agent.

The node agent itself needs a kubelet. Its stand-in plays its part in the protocol and lets Velero's own program copy
the volume, so that what a restore brings back has been through the real repository in the real bucket.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import urllib3
import yaml

from archesai_infra.components.backups import velero
from archesai_infra.stack.evaluate import Evaluation, evaluate
from testbed.backups import servers
from testbed.backups.servers import ObjectStore, Postgres, Redis
from testbed.controlplane.api import Object
from testbed.controlplane.commands import ExecRule
from testbed.controlplane.ports import free_ports
from testbed.controlplane.rig import ControlPlane
from testbed.programs import parts
from testbed.stacks import raw, shipped_config

BUCKET = "archesai-backups"
PARTS = (*parts.RIG, "velero", "velero-plugin-for-aws", "minio")
STORAGE_CLASS = "dumps"
PASS_SECONDS = 0.5
NAMESPACE, COPY = "archesai", "archesai-copy"
"""The stack's namespace, and the one that a restore may make beside it."""
_KNOWN = (
    "v1",
    "apps/v1",
    "batch/v1",
    "networking.k8s.io/v1",
    "policy/v1",
    "rbac.authorization.k8s.io/v1",
    "velero.io/v1",
)


def stack_config(store_url: str) -> dict[str, Any]:
    """The production stack, its backups every minute and in the S3 service of the test."""
    backups = {
        "enabled": True,
        "bucket": BUCKET,
        "endpoint": store_url,
        "existingSecret": "cloud-credentials",
        "schedules": {"hourly": {"cron": "* * * * *"}, "daily": {"enabled": False}, "weekly": {"enabled": False}},
        "dump": {"storageClass": STORAGE_CLASS, "timeout": 60, "hookTimeout": 90},
    }
    # The monitoring's and the certificates' kinds have no part in it.
    off = {"monitoring": {"enabled": False}, "ingress": {"enabled": False}, "security": {}}
    return shipped_config("prod") | off | {"backups": backups}


@dataclass
class Rig:
    """A running stack with its Velero."""

    directory: Path
    plane: ControlPlane
    store: ObjectStore
    data: dict[str, Data]
    config: dict[str, Any]
    evaluation: Evaluation
    errors: list[str] = field(default_factory=list[str])
    metrics_port: int = 0
    _velero: subprocess.Popen[bytes] | None = None
    _stop: threading.Event = field(default_factory=threading.Event)

    @property
    def postgres(self) -> Postgres:
        """The stack's own server."""
        return self.data[NAMESPACE].postgres

    @property
    def redis(self) -> Redis:
        """The stack's own server."""
        return self.data[NAMESPACE].redis

    def volume(self, namespace: str = NAMESPACE) -> Path:
        """Where the dumps of a namespace are."""
        return (self.directory / "volumes" / namespace).resolve()

    @property
    def velero_log(self) -> str:
        """The end of the server's log."""
        return "\n".join((self.directory / "velero.log").read_text(errors="replace").splitlines()[-60:])

    @property
    def variables(self) -> dict[str, str]:
        """Environment of Velero's programs."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.directory),
            "KUBECONFIG": str(self.plane.admin_kubeconfig),
            "VELERO_NAMESPACE": "velero",
            "VELERO_SCRATCH_DIR": str(self.directory),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.directory / "cloud"),
            "NODE_NAME": "node-1",
        }

    def object(self, kind: str, name: str, namespace: str = "velero", api: str = "velero.io/v1") -> Object | None:
        """An object as it is."""
        return self.plane.api.read(
            {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": namespace}}
        )

    def deploy(self) -> None:
        """Apply the stack's objects, as the program renders them."""
        found = [item for item in self.evaluation.objects if item["apiVersion"] in _KNOWN]
        order = {
            "Namespace": 0,
            "ServiceAccount": 1,
            "Secret": 1,
            "ConfigMap": 1,
            "PersistentVolumeClaim": 2,
            "Schedule": 9,
        }
        found.sort(key=lambda item: order.get(item["kind"], 5))
        for item in found:
            if item["kind"] == "Schedule":
                item["spec"]["paused"] = True
        self.plane.apply(found).check()
        sets = [item for item in found if item["kind"] in ("StatefulSet", "Deployment")]
        self.plane.wait_ready(*sets, seconds=180)

    def install_velero(self) -> None:
        """What the chart brings besides the kinds, and the server itself."""
        self.plane.apply(_velero_objects(self.evaluation, self.store)).check()
        self.start_velero()

    def start_velero(self) -> None:
        """Start the server as the chart does."""
        plugins = self.directory / "plugins"
        plugins.mkdir(exist_ok=True)
        built = parts.executables("velero", "velero-plugin-for-aws")
        link = plugins / "velero-plugin-for-aws"
        if not link.exists():
            link.symlink_to(built["velero-plugin-for-aws"])
        self.metrics_port, profiler = free_ports(2)
        command = [
            built["velero"], "server", f"--plugin-dir={plugins}", "--uploader-type=kopia",
            f"--metrics-address=127.0.0.1:{self.metrics_port}", f"--profiler-address=127.0.0.1:{profiler}",
            "--store-validation-frequency=2s", "--default-item-operation-timeout=5m", "--fs-backup-timeout=5m",
        ]  # fmt: skip
        with (self.directory / "velero.log").open("ab") as log:
            self._velero = subprocess.Popen(command, env=self.variables, cwd="/", stdout=log, stderr=log)

    def velero(self) -> subprocess.Popen[bytes]:
        """The server's process."""
        assert self._velero is not None
        return self._velero

    def metrics(self) -> list[str]:
        """The samples that the server serves to Prometheus."""
        page = urllib3.request("GET", f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=10).data.decode()
        return [line for line in page.splitlines() if not line.startswith("#")]

    def close(self) -> None:
        """End what this rig started."""
        self._stop.set()
        if self._velero:
            self._velero.kill()
            self._velero.wait()

    def location_is(self, phase: str) -> None:
        """Wait until the bucket is found in a state."""

        def probe() -> list[str]:
            found = self.object("BackupStorageLocation", "default")
            status = (found or {}).get("status", {})
            return [] if status.get("phase") == phase else [f"location: {status}", self.velero_log[-1500:]]

        self.plane.wait_for(f"location {phase}", probe, seconds=90)

    def wait_found(self, backup: str) -> None:
        """Wait until Velero has found a backup in the bucket: it looks once a minute."""
        missing = [f"no backup {backup} yet"]
        self.plane.wait_for(
            "the bucket's backups", lambda: [] if self.object("Backup", backup) else missing, seconds=150
        )

    def forget_repositories(self) -> None:
        """Let Velero connect again: at a repository that it could not reach it looks again after minutes only."""
        for item in self.plane.api.list("velero.io/v1", "BackupRepository", "velero"):
            self.plane.api.delete(item)

    # The node agent's part

    def run_node_agent(self) -> None:
        """Make volumes for the dumps' claims and copy them, until the rig ends."""
        while not self._stop.wait(PASS_SECONDS):
            try:
                self._provide_volumes()
                for kind, verb in (("PodVolumeBackup", "backup"), ("PodVolumeRestore", "restore")):
                    for item in self.plane.api.list("velero.io/v1", kind, "velero"):
                        if not item.get("status", {}).get("phase"):
                            self._copy(item, verb)
            except Exception as error:  # noqa: BLE001 - a thread's error would be lost
                self.errors.append(f"{type(error).__name__}: {error}")

    def _provide_volumes(self) -> None:
        volumes = {one["metadata"]["name"] for one in self.plane.api.list("v1", "PersistentVolume")}
        for claim in self.plane.api.list("v1", "PersistentVolumeClaim"):
            name = f"dumps-{claim['metadata']['uid']}"
            if claim["spec"].get("storageClassName") != STORAGE_CLASS or name in volumes:
                continue
            metadata = claim["metadata"]
            self._point_to(name, metadata["namespace"])
            reference = {key: metadata[key] for key in ("namespace", "name", "uid")}
            self.plane.api.create(
                {
                    "apiVersion": "v1",
                    "kind": "PersistentVolume",
                    "metadata": {"name": name},
                    "spec": {
                        "capacity": {"storage": claim["spec"]["resources"]["requests"]["storage"]},
                        "accessModes": ["ReadWriteOnce"],
                        "storageClassName": STORAGE_CLASS,
                        "persistentVolumeReclaimPolicy": "Delete",
                        "nfs": {"server": "127.0.0.1", "path": f"/{name}"},
                        "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", **reference},
                    },
                }
            )

    def _point_to(self, name: str, namespace: str) -> None:
        """The dump pod of a namespace sees the volume of its newest claim."""
        volumes = self.directory / "volumes"
        (volumes / name).mkdir(parents=True)
        link = volumes / "new"
        link.symlink_to(volumes / name)
        link.replace(volumes / namespace)

    def _copy(self, item: Object, verb: str) -> None:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.plane.api.patch(item, {"status": {"phase": "InProgress", "startTimestamp": now}})
        name = item["metadata"]["name"]
        volume = self.volume(item["spec"]["pod"]["namespace"])
        flags = [f"--pod-volume-{verb}={name}", f"--volume-path={volume}", "--resource-timeout=1m"]
        if verb == "restore":
            flags.append(f"--cache-volume-path={self.directory / 'cache'}")
        command = [str(parts.executables("velero")["velero"]), "pod-volume", verb, *flags]
        done = subprocess.run(
            command, env=self.variables, cwd="/", capture_output=True, text=True, check=False, timeout=120
        )
        (self.directory / f"{name}.log").write_text(done.stdout + done.stderr)
        result = self._result(name)
        status: Object = {"phase": "Completed", "completionTimestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
        if result is None:
            status |= {"phase": "Failed", "message": (done.stdout + done.stderr)[-500:]}
        elif verb == "backup":
            total = sum(path.stat().st_size for path in volume.rglob("*") if path.is_file())
            status |= {
                "snapshotID": result["snapshotID"],
                "path": str(volume),
                "progress": {"totalBytes": total, "bytesDone": total},
            }
        self.plane.api.patch(item, {"status": status})

    def _result(self, name: str) -> Object | None:
        """The program's own message about its work, in an event."""
        for event in self.plane.api.list("v1", "Event", "velero"):
            if event["involvedObject"]["name"] == name and event["reason"] == "Data-Path-Completed":
                return json.loads(event["message"])
        return None


def _velero_objects(evaluation: Evaluation, store: ObjectStore) -> list[Object]:
    """What the chart makes of the program's values, as far as the server needs it."""
    release = next(one for one in evaluation.releases if one.inputs["name"] == velero.RELEASE)
    location = release.inputs["values"]["configuration"]["backupStorageLocation"][0]
    cloud = f"[default]\naws_access_key_id = {store.access_key}\naws_secret_access_key = {store.secret_key}\n"
    secret = {"name": "cloud-credentials", "namespace": "velero"}
    spec = {
        "provider": location["provider"],
        "default": location["default"],
        "credential": location["credential"],
        "objectStorage": {"bucket": location["bucket"], "prefix": location["prefix"]},
        "config": location["config"],
    }
    return [
        {"apiVersion": "v1", "kind": "Secret", "metadata": secret, "stringData": {"cloud": cloud}},
        _workload("Deployment", "velero", {"name": "velero"}),
        _workload("DaemonSet", "node-agent", {"name": "node-agent", "role": "node-agent"}),
        {
            "apiVersion": "velero.io/v1",
            "kind": "BackupStorageLocation",
            "metadata": {"name": location["name"], "namespace": "velero"},
            "spec": spec,
        },
    ]


def _workload(kind: str, name: str, labels: dict[str, str]) -> Object:
    pod = {"containers": [{"name": name, "image": name}]}
    spec: Object = {
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, "namespace": "velero"}, "spec": spec}


@dataclass(frozen=True)
class Data:
    """The servers that the commands of one namespace's dump pod reach."""

    postgres: Postgres
    redis: Redis

    def fill(self) -> None:
        """Something to lose."""
        self.empty()
        self.postgres.sql("CREATE TABLE orders AS SELECT id, md5(id::text) AS what FROM generate_series(1, 5000) AS id")
        self.redis.cli("SET", "session", "kept")

    def empty(self) -> None:
        """As servers on new volumes are."""
        self.postgres.sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        self.redis.cli("FLUSHALL")

    def content(self) -> tuple[str, str]:
        """What there is, in short."""
        orders = self.postgres.sql("SELECT coalesce(sum(hashtext(what)), 0) FROM orders")
        return orders, self.redis.cli("GET", "session")


@dataclass(frozen=True)
class World:
    """What outlives a cluster: the bucket, and the servers by the namespace whose dump pod reaches them."""

    directory: Path
    store: ObjectStore
    data: dict[str, Data]


@contextmanager
def world() -> Generator[World]:
    """An empty bucket and empty servers; skips by name where a part is missing."""
    if absent := parts.missing(*PARTS):
        pytest.skip(f"not built: {', '.join(absent)}; run: python -m testbed.programs build {' '.join(absent)}")
    servers.needs("pg_dump", "redis-cli", "flock")
    with ExitStack() as stack:
        directory = stack.enter_context(servers.place())
        store = stack.enter_context(servers.object_store())
        data = {
            namespace: Data(stack.enter_context(servers.postgres()), stack.enter_context(servers.redis()))
            for namespace in (NAMESPACE, COPY)
        }
        found = World(directory, store, data)
        assert found.store.rclone("mkdir", f"s3:{BUCKET}").returncode == 0
        yield found


@contextmanager
def cluster(found: World, name: str) -> Generator[Rig]:
    """A control plane with what the node agent does; nothing of the stack is there yet, nor Velero."""
    directory = found.directory / name
    (directory / "volumes").mkdir(parents=True)
    directory.chmod(0o755)
    rules = [rule for namespace in found.data for rule in _exec_rules(directory, namespace, found.data[namespace])]
    # As storage classes of production are: volumes outlive their claims.
    with ControlPlane(directory, exec_rules=[*rules, ExecRule()], reclaim_policy="Retain") as plane:
        config = stack_config(found.store.url) | {
            "cluster": {"context": _context(plane), "kubeconfig": str(plane.admin_kubeconfig)}
        }
        evaluation = evaluate(raw(config, "prod"), reveal=True)
        rig = Rig(directory, plane, found.store, found.data, config, evaluation)
        (directory / "cloud").write_text("")
        _write_scripts(rig)
        threading.Thread(target=rig.run_node_agent, daemon=True).start()
        try:
            yield rig
        finally:
            rig.close()


@contextmanager
def running() -> Generator[Rig]:
    """Everything, from nothing, with the stack's objects applied as they are rendered."""
    with world() as found, cluster(found, "cluster") as rig:
        define_kinds(rig)
        rig.plane.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "velero"}}]).check()
        rig.install_velero()
        rig.deploy()
        rig.location_is("Available")
        yield rig


def define_kinds(rig: Rig) -> None:
    """Velero's kinds."""
    crds = subprocess.run(
        [parts.executables("velero")["velero"], "install", "--crds-only", "--dry-run", "-o", "yaml"],
        env=rig.variables, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    documents = yaml.safe_load(crds)
    definitions = documents["items"] if documents.get("kind") == "List" else list(yaml.safe_load_all(crds))
    rig.plane.install_definitions(definitions)


def _context(plane: ControlPlane) -> str:
    return str(yaml.safe_load(plane.admin_kubeconfig.read_text())["current-context"])


def _write_scripts(rig: Rig) -> None:
    maps = [item for item in rig.evaluation.objects if item["kind"] == "ConfigMap"]
    data = next(item["data"] for item in maps if item["metadata"]["name"].startswith("archesai-dump-scripts-"))
    target = rig.directory / "scripts"
    target.mkdir()
    for name, text in data.items():
        (target / name).write_text(text)


def _exec_rules(directory: Path, namespace: str, data: Data) -> list[ExecRule]:
    """The containers of a namespace's dump pod on this host."""
    common = {
        "SCRIPTS": str(directory / "scripts"),
        "BACKUP_DIR": str(directory / "volumes" / namespace),
        "KEEP": "3",
        "DUMP_TIMEOUT": "60",
        "PATH": servers.search_path(),
        "TMPDIR": str(directory),
    }
    database = common | {"DATABASE_URL": data.postgres.url, "COMPRESSION": "1", "JOBS": "2", "GLOBALS_OPTIONS": ""}
    redis = data.redis
    cache = common | {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(redis.port), "REDISCLI_AUTH": redis.password}
    return [
        ExecRule(env=database, namespaces=[namespace], containers=["postgres"]),
        ExecRule(env=cache, namespaces=[namespace], containers=["redis"]),
    ]


def remove(directory: Path) -> None:
    """Forget the dumps of a volume."""
    shutil.rmtree(directory, ignore_errors=True)
