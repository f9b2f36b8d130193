"""A cluster of 1 to 4 real nodes for tests: started whole, stopped whole, gone when the starter is."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from signal import SIGKILL

import urllib3

from testbed.controlplane.api import Api, ApiError, Object
from testbed.controlplane.certificates import CertificateAuthority
from testbed.controlplane.kubeconfigs import Kubeconfigs
from testbed.controlplane.readiness import lack
from testbed.controlplane.standins import StandIns
from testbed.controlplane.waiting import wait_for, wait_ready
from testbed.lifecycle import Startable
from testbed.node import cgroups, containerd, furniture, lacks, layout, own_images
from testbed.node.cluster import WAIT_SECONDS, Cluster
from testbed.node.layout import Plan
from testbed.node.volumes import Directories
from testbed.programs import parts

ROOT = Path(__file__).parents[2]
CGROUP_PREFIX = "archesai-nodes-"
START_SECONDS = 300.0
"""A start takes ten seconds on a quiet machine; the bound is for one that is not."""
_END_SECONDS = 60.0
_INTO_NODE = ("-n", "-m", "-u", "-i", "-C")


class NodesError(RuntimeError):
    """The nodes could not be started, or ended by themselves; the message ends with what they logged."""


class Nodes(Startable, Cluster):
    """Control plane and nodes in namespaces of their own; use it as a context manager."""

    def __init__(
        self, directory: Path, *, nodes: int = 1, images: Sequence[Path] = (), dual_stack: bool = False
    ) -> None:
        """Write certificates and images; nothing runs yet. Raises NodesError where this machine cannot run nodes.

        Args:
            directory: Keeps certificates, logs and volumes; an absolute path that is empty or missing.
            nodes: How many, up to 4; each claims all of the machine's processors and memory.
            images: Directories of docker archives whose images pods can use.
            dual_stack: Whether nodes, pods and Services have addresses of IPv6 too.
        """
        if why := lacks.lack():
            raise NodesError(why)
        if absent := " ".join(parts.missing(*lacks.PARTS)):
            raise NodesError(f"not built: {absent}; run: python -m testbed.programs build {absent}")
        self.directory = directory.absolute()
        self._listener = socket.create_server(("127.0.0.1", 0))
        own = self.directory / "images"
        self._plan = Plan(
            directory=self.directory,
            nodes=nodes,
            executables=parts.executables(*lacks.PARTS),
            images=(own, *images),
            cgroup=f"{CGROUP_PREFIX}{os.getpid()}-{self._listener.getsockname()[1]}",
            listener=self._listener.fileno(),
            dual_stack=dual_stack,
        )
        self._plan.logs.mkdir(parents=True)
        own_images.write(own, self._plan.executables)
        authority, api, kubeconfig = self._identities(f"https://127.0.0.1:{self._listener.getsockname()[1]}")
        super().__init__(api, kubeconfig, self._plan.executables["kubectl"])
        self._volumes_api = Api(api.server, authority, self._plan.pair("admin"), seconds=5)
        log, backing = self._plan.logs / "stand-ins.log", Directories(self._plan.volumes)
        self._standins = StandIns(self._volumes_api, log, addresses=True, backing=backing)
        self._keeper: subprocess.Popen[str] | None = None
        self.pid = 0
        """The first process of the namespaces."""

    # Life cycle

    def start_all(self) -> None:
        """Start everything and wait until pods run and find names."""
        for name in cgroups.abandoned(CGROUP_PREFIX):
            cgroups.remove(name)
        self._start_keeper()
        self._wait_healthy()
        self.apply(furniture.objects()).check()
        self._standins.start()
        self._wait_furnished()

    def close(self) -> None:
        """End everything and remove all but logs and certificates."""
        self._standins.stop()
        self._listener.close()
        if self._keeper is not None and self._keeper.stdin is not None:
            self._keeper.stdin.close()
            self._keeper.wait(_END_SECONDS)
        if self._keeper is not None and self._keeper.stdout is not None:
            self._keeper.stdout.close()
        self.api.close()
        self._volumes_api.close()

    @property
    def inner_kubeconfig(self) -> Path:
        """The administrator's, for programs that run on a node or beside the control plane."""
        return self._plan.admin

    def add_image(self, name: str, program: Path, *, user: str) -> None:
        """Give pods of this cluster an image of one static program."""
        stored = self.directory / "images" / f"{name.replace('/', '_')}.tar"
        own_images.write_program(stored, name, program, user=user)

    # Insight

    def in_node(self, node: str, *command: str, seconds: float = WAIT_SECONDS) -> subprocess.CompletedProcess[str]:
        """Run a command on a node, as root."""
        pid = json.loads(self._plan.pids.read_text(encoding="utf-8"))[str(_number(node))]
        within = ["nsenter", "-t", str(pid), *_INTO_NODE, "--", *command]
        return self.inside(*within, seconds=seconds)

    def inside(self, *command: str, seconds: float = WAIT_SECONDS) -> subprocess.CompletedProcess[str]:
        """Run a command beside the control plane, as root."""
        within = ["nsenter", "-t", str(self.pid), "-n", "-m", "-p", "--", *command]
        return subprocess.run(within, capture_output=True, text=True, check=False, timeout=seconds)

    def process(self, pod: Object, container: str | None = None) -> int:
        """The first process of a pod's container, by its id on the node; the first container unless one is named."""
        statuses = pod["status"]["containerStatuses"]
        status = next(one for one in statuses if container in (None, one["name"]))
        identity = status["containerID"].removeprefix("containerd://")
        done = self.in_node(pod["spec"]["nodeName"], "cat", str(containerd.TASKS / identity / "init.pid"))
        return int(done.stdout)

    def in_pod_network(
        self, pod: Object, *command: str, seconds: float = WAIT_SECONDS
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of the machine in a pod's network, as root of the machine."""
        within = ["nsenter", "-t", str(self.process(pod)), "-n", "--", *command]
        return self.in_node(pod["spec"]["nodeName"], *within, seconds=seconds)

    def kill(self, pod: Object, container: str | None = None, signal: str = "KILL") -> None:
        """Send a signal to the first process of a container, as the kernel or an operator on the node would."""
        pid = str(self.process(pod, container))
        done = self.in_node(pod["spec"]["nodeName"], "kill", f"-{signal}", pid)
        if done.returncode:
            raise NodesError(f"kill -{signal} {pid}: {done.stderr}")

    def freeze(self, node: str, *, frozen: bool = True) -> None:
        """Stop every process of a node, its containers' too, or let them go on; the kernel still answers for it."""
        cgroups.freeze(self._plan.cgroup_of(_number(node)), frozen=frozen)

    def kill_containers(self, node: str) -> None:
        """Kill every process in the pods of a node; frozen ones end before they do anything else."""
        for process in cgroups.of_containers(self._plan.cgroup_of(_number(node))):
            os.kill(process, SIGKILL)

    def node_log(self, path: str, lines: int = 30) -> list[str]:
        """The end of a file below the logs, such as `kube-apiserver` or `node-1/kubelet`."""
        file = self._plan.logs / f"{path}.log"
        return file.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:] if file.exists() else []

    # Starting

    def _identities(self, outside: str) -> tuple[Path, Api, Path]:
        """Make the certificates of all programs, their kubeconfigs, and the administrator's outside the namespaces."""
        plan = self._plan
        authority = CertificateAuthority(plan.certificates)
        addresses = (f"IP:{layout.API}", f"IP:{layout.FIRST_SERVICE}", "DNS:kubernetes.default.svc")
        authority.serving("serving", *addresses)
        authority.private_key("service-accounts")
        authority.client("kubelet-client", "kube-apiserver", ["system:masters"])
        authority.client("front-proxy", "front-proxy", [])
        inside = Kubeconfigs(plan.kubeconfigs, layout.SERVER, authority)
        for number in range(1, plan.nodes + 1):
            inside.for_user(layout.node_user(number), ["system:nodes"])
        inside.for_user("admin", ["system:masters"])
        token = secrets.token_hex(16)
        for path, content in ((plan.token, token), (plan.tokens, f"{token},network-policies,1,system:masters\n")):
            path.touch(mode=0o600)
            path.write_text(content, encoding="utf-8")
        kubeconfig, admin = Kubeconfigs(self.directory / "outside", outside, authority).for_user(
            "admin", ["system:masters"]
        )
        return authority.certificate, Api(outside, authority.certificate, admin), kubeconfig

    def _start_keeper(self) -> None:
        with (self._plan.logs / "keeper.log").open("ab") as log:
            self._keeper = subprocess.Popen(
                [sys.executable, "-m", "testbed.node.keeper", str(self._plan.save())],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                pass_fds=(self._plan.listener,),
                start_new_session=True,
            )
        line = self._keeper.stdout.readline() if self._keeper.stdout else ""
        if not line:
            raise NodesError("\n".join(["the namespaces were not made:", *self.node_log("keeper")]))
        self.pid = int(line)

    def _names(self) -> list[str]:
        return [layout.node_name(number) for number in range(1, self._plan.nodes + 1)]

    def _check(self) -> None:
        if self._keeper is None or self._keeper.poll() is not None:
            raise NodesError("\n".join(["the cluster ended by itself:", *self.node_log("namespaces")]))
        for name in self._names():
            # Nodes say nothing as long as they run.
            if said := self.node_log(name):
                raise NodesError("\n".join([f"{name} ended by itself:", *said]))

    def _wait_healthy(self) -> None:
        def probe() -> list[str]:
            self._check()
            try:
                self.api.request("GET", "/readyz")
                self.api.get("v1", "Namespace", "kube-system")
            except (ApiError, urllib3.exceptions.HTTPError) as error:
                return [str(error)]
            return []

        wait_for(
            "the API server answers", probe, seconds=START_SECONDS, details=lambda: self.node_log("kube-apiserver")
        )

    def _wait_furnished(self) -> None:
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}

        def probe() -> list[str]:
            self._check()
            nodes = self.api.list("v1", "Node")
            # A node stays closed to pods until its taint is gone, which is a moment after it is ready.
            unready = [one for one in nodes if lack(one) or one["spec"].get("taints")]
            missing = [] if self.api.read(account) else ["no service account yet"]
            names = [one["metadata"]["name"] for one in unready]
            return [*missing, *names, *([f"{len(nodes)} nodes"] if len(nodes) < self._plan.nodes else [])]

        def details() -> list[str]:
            return [line for name in self._names() for line in self.node_log(f"{name}/kubelet", 15)]

        wait_for("the nodes are ready", probe, seconds=START_SECONDS, details=details)
        wait_ready(self.api, [one for one in furniture.objects() if one["kind"] == "Deployment"], seconds=START_SECONDS)


def _number(node: str) -> int:
    return int(node.removeprefix("node-"))
