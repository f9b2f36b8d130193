"""The real Velero on the loopback control plane: its server, its plugin, an S3 service, and a stand-in node agent."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import urllib3
import yaml

from archesai_infra.components.backups import rights
from archesai_infra.stack.evaluate import Evaluation, evaluate
from testbed.backups import object_store, postgres_server, redis_server, servers
from testbed.backups.definitions import definitions
from testbed.backups.dump_pods import Data, exec_rules
from testbed.backups.node_agent import STORAGE_CLASS, NodeAgent, volume_directory
from testbed.backups.object_store import ObjectStore
from testbed.backups.postgres_server import Postgres
from testbed.backups.redis_server import Redis
from testbed.backups.velero_objects import values, velero_objects
from testbed.controlplane.api import Object
from testbed.controlplane.commands import ExecRule
from testbed.controlplane.ports import free_ports
from testbed.controlplane.rig import ControlPlane
from testbed.programs import parts
from testbed.stacks import raw, shipped_config

BUCKET = "archesai-backups"
PARTS = (*parts.RIG, "velero", "velero-plugin-for-aws", "minio")
NAMESPACE, COPY = "archesai", "archesai-copy"
"""The stack's namespace, and the one that a restore may make beside it."""
LOOK_SECONDS = 10
"""Between two looks at the bucket; at each, Velero empties its file of the bucket's keys and writes it again, and who
reads it in between has none."""
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
    metrics_port: int = 0
    account: Path | None = None
    """Kubeconfig of Velero's service account; None before it is installed."""
    _velero: subprocess.Popen[bytes] | None = None
    _agent: NodeAgent | None = None

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
        return volume_directory(self.directory, namespace)

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
            "KUBECONFIG": str(self.account or self.plane.admin_kubeconfig),
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
        self.plane.apply(velero_objects(self.evaluation, self.store)).check()
        token = self.plane.kubectl("create", "token", rights.ACCOUNT, "--namespace=velero", "--duration=3h")
        token.check_returncode()
        self.account = self.plane.kubeconfig_with_token("velero", token.stdout.strip())
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
        without_cache = values(self.evaluation)["configuration"]["disableInformerCache"]
        command = [
            built["velero"], "server", f"--plugin-dir={plugins}", "--uploader-type=kopia",
            f"--metrics-address=127.0.0.1:{self.metrics_port}", f"--profiler-address=127.0.0.1:{profiler}",
            f"--disable-informer-cache={str(without_cache).lower()}",
            f"--store-validation-frequency={LOOK_SECONDS}s",
            "--default-item-operation-timeout=5m", "--fs-backup-timeout=5m",
        ]  # fmt: skip
        with (self.directory / "velero.log").open("ab") as log:
            self._velero = subprocess.Popen(command, env=self.variables, cwd="/", stdout=log, stderr=log)

    def start_agent(self) -> None:
        """Provide volumes and copy them, until the rig ends."""
        self._agent = NodeAgent(self.directory, self.plane.api, lambda: self.variables)
        threading.Thread(target=self._agent.run, daemon=True).start()

    @property
    def agent(self) -> NodeAgent:
        """What plays the node agent's part."""
        assert self._agent is not None
        return self._agent

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
        self.agent.stop.set()
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
        store = stack.enter_context(object_store.object_store())
        data = {
            namespace: Data(stack.enter_context(postgres_server.postgres()), stack.enter_context(redis_server.redis()))
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
    rules = [rule for namespace in found.data for rule in exec_rules(directory, namespace, found.data[namespace])]
    # As storage classes of production are: volumes outlive their claims.
    with ControlPlane(directory, exec_rules=[*rules, ExecRule()], reclaim_policy="Retain") as plane:
        config = stack_config(found.store.url) | {
            "cluster": {"context": _context(plane), "kubeconfig": str(plane.admin_kubeconfig)}
        }
        evaluation = evaluate(raw(config, "prod"), reveal=True)
        rig = Rig(directory, plane, found.store, found.data, config, evaluation)
        (directory / "cloud").write_text("")
        _write_scripts(rig)
        rig.start_agent()
        try:
            yield rig
        finally:
            rig.close()


@contextmanager
def running() -> Generator[Rig]:
    """Everything, from nothing, with the stack's objects applied as they are rendered."""
    with world() as found, cluster(found, "cluster") as rig:
        define_kinds(rig)
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "velero"}}
        rig.plane.apply([namespace, *_rights(rig.evaluation)]).check()
        rig.install_velero()
        rig.deploy()
        rig.location_is("Available")
        yield rig


def _rights(evaluation: Evaluation) -> list[Object]:
    """What the server may do before it starts: all but its rights in the stack's namespace."""
    group = "rbac.authorization.k8s.io/v1"
    found = [item for item in evaluation.objects if item["apiVersion"] == group]
    return [item for item in found if item["metadata"].get("namespace", "velero") == "velero"]


def define_kinds(rig: Rig) -> None:
    """Velero's kinds."""
    documents = yaml.safe_load(definitions())
    rig.plane.install_definitions(documents["items"])


def _context(plane: ControlPlane) -> str:
    return str(yaml.safe_load(plane.admin_kubeconfig.read_text())["current-context"])


def _write_scripts(rig: Rig) -> None:
    maps = [item for item in rig.evaluation.objects if item["kind"] == "ConfigMap"]
    data = next(item["data"] for item in maps if item["metadata"]["name"].startswith("archesai-dump-scripts-"))
    target = rig.directory / "scripts"
    target.mkdir()
    for name, text in data.items():
        (target / name).write_text(text)
