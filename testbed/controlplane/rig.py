"""A control plane for tests: started whole, stopped whole, with handles on what tests need of it."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path

import urllib3
from kubernetes import client, config

from testbed.controlplane import fleet, waiting
from testbed.controlplane.api import Api, ApiError, NoSuchKindError, Object, label
from testbed.controlplane.apply import Outcome, apply
from testbed.controlplane.certificates import CertificateAuthority
from testbed.controlplane.commands import ExecRule, minimal_environment, with_own_status, write_config
from testbed.controlplane.kubeconfigs import Kubeconfigs
from testbed.controlplane.ports import free_ports
from testbed.controlplane.processes import Processes
from testbed.controlplane.readiness import lack
from testbed.controlplane.servers import Ports, Servers
from testbed.controlplane.standins import StandIns
from testbed.controlplane.waiting import Probe
from testbed.lifecycle import Startable
from testbed.programs import parts
from testbed.programs.part import Part

START_SECONDS = 90.0
"""A start takes six seconds on a quiet machine; the bound is for one that is not."""

WAIT_SECONDS = 60.0

_ETCD, _APISERVER, _CONTROLLERS, _SCHEDULER, _KWOK = (
    "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok",
)  # fmt: skip


class NotBuiltError(RuntimeError):
    """The control plane's parts are not built yet."""


class ControlPlane(Startable):
    """A Kubernetes control plane in a directory of its own; use it as a context manager."""

    def __init__(
        self,
        directory: Path,
        *,
        version: str | None = None,
        nodes: int = 4,
        reclaim_policy: str = "Delete",
        binding_mode: str = "Immediate",
        addresses: bool = True,
        exec_rules: Sequence[ExecRule] = (ExecRule(),),
    ) -> None:
        """Choose ports and write certificates; nothing runs yet.

        Args:
            directory: Keeps certificates, kubeconfigs and logs; made if missing.
            version: A pinned Kubernetes version or minor; else `K8S_VERSION`, else the default.
            nodes: How many simulated nodes, spread over three zones.
            reclaim_policy: Of the default storage class: `Delete` or `Retain`.
            binding_mode: Of the default storage class: `Immediate` or `WaitForFirstConsumer`.
            addresses: Whether ingresses and load balancers get addresses; `publish_addresses` changes it later.
            exec_rules: How `kubectl exec` runs commands on this host; without any it fails.
        """
        kubernetes = parts.kubernetes(version)
        self._executables = _executables(kubernetes)
        self._exec_rules = exec_rules
        self._clients: list[client.ApiClient] = []
        self.version = kubernetes.version
        self.directory = directory.absolute()
        self._environment = minimal_environment(self.directory)
        self._processes = Processes(self.directory / "logs")

        ports = Ports(*free_ports(4))
        self.server = f"https://127.0.0.1:{ports.apiserver}"
        authority = CertificateAuthority(self.directory / "certificates")
        self._kubeconfigs = Kubeconfigs(self.directory / "kubeconfigs", self.server, authority)
        self.admin_kubeconfig, admin = self._kubeconfigs.for_user("admin", ["system:masters"])
        self._servers = Servers(
            executables=self._executables,
            directory=self.directory,
            ports=ports,
            authority=authority.certificate,
            serving=authority.serving("serving"),
            account_key=authority.private_key("service-accounts"),
            kubeconfig=self.admin_kubeconfig,
        )

        self.api = Api(self.server, authority.certificate, admin)
        self._kubelet = Api(f"https://127.0.0.1:{ports.kubelet}", authority.certificate, admin, seconds=5)
        self._standins_api = Api(self.server, authority.certificate, admin, seconds=5)
        self._standins = StandIns(self._standins_api, self._processes.log_path("stand-ins"), addresses=addresses)
        self._furniture = [
            *fleet.nodes(nodes, ports.kubelet, self.version),
            fleet.storage_class(fleet.STORAGE_CLASS, reclaim=reclaim_policy, binding=binding_mode, default=True),
            fleet.ingress_class(fleet.INGRESS_CLASS),
            *fleet.cluster_dns(),
        ]

    # Life cycle

    def start_all(self) -> None:
        """Start everything and wait until pods can be scheduled."""
        self._start(_ETCD, self._servers.etcd())
        self.start_apiserver()
        self._furnish()
        self._standins.start()

    def close(self) -> None:
        """Stop everything; logs, certificates and kubeconfigs stay."""
        self._standins.stop()
        self._processes.close()
        for opened in (*self._clients, self.api, self._kubelet, self._standins_api):
            opened.close()
        shutil.rmtree(self.directory / _ETCD, ignore_errors=True)

    def start_apiserver(self) -> None:
        """Start the API server, at first or after `stop_apiserver`, and once it is ready its controllers."""
        self._start(_APISERVER, self._servers.apiserver())
        self._wait_healthy(_APISERVER, self.api, "/readyz")
        self._start(_CONTROLLERS, self._servers.controller_manager())
        self._start(_SCHEDULER, self._servers.scheduler())
        self._start_kwok()

    def stop_apiserver(self) -> None:
        """End the API server: connections are refused from then on.

        The controllers rest meanwhile: left to retry, they would take up to a minute to come back after it.
        """
        for name in (_KWOK, _SCHEDULER, _CONTROLLERS, _APISERVER):
            self._processes.stop(name)

    def pause_apiserver(self) -> None:
        """Freeze the API server: connections are taken and then hang. Keep it short, or its clients back off."""
        self._processes.signal(_APISERVER, signal.SIGSTOP)

    def resume_apiserver(self) -> None:
        """Let a frozen API server go on."""
        self._processes.signal(_APISERVER, signal.SIGCONT)
        self._wait_healthy(_APISERVER, self.api, "/readyz")

    @contextmanager
    def without_controllers(self) -> Generator[None]:
        """Nothing follows a change of a workload meanwhile: its status stays as it was before."""
        with self._frozen(_CONTROLLERS):
            yield

    @contextmanager
    def without_kubelets(self) -> Generator[None]:
        """Pods stay as they are meanwhile: new ones do not start, and none ends."""
        with self._frozen(_KWOK):
            yield

    @contextmanager
    def _frozen(self, name: str) -> Generator[None]:
        self._processes.signal(name, signal.SIGSTOP)
        try:
            yield
        finally:
            self._processes.signal(name, signal.SIGCONT)

    def set_exec_rules(self, *rules: ExecRule) -> None:
        """Replace how `kubectl exec` runs commands; in force on return. Commands still running go on."""
        self._exec_rules = rules
        self._processes.stop(_KWOK)
        self._start_kwok()

    @property
    def publish_addresses(self) -> bool:
        """Whether new ingresses and load balancers get an address; off, they wait as if no controller ran."""
        return self._standins.addresses

    @publish_addresses.setter
    def publish_addresses(self, on: bool) -> None:
        self._standins.addresses = on

    # Access

    def client(self) -> client.ApiClient:
        """A client of the official library, as administrator; closed with the rig."""
        configuration = client.Configuration()
        config.load_kube_config(str(self.admin_kubeconfig), client_configuration=configuration)
        # Unlike other clients this one would ask a proxy of the environment for loopback.
        configuration.proxy = None
        self._clients.append(client.ApiClient(configuration))
        return self._clients[-1]

    def kubeconfig(
        self, user: str, groups: Sequence[str] = (), *, cluster_roles: Sequence[str] = (), expired: bool = False
    ) -> Path:
        """A kubeconfig for a user, bound to these cluster roles everywhere; expired, the server refuses it."""
        self.apply([fleet.cluster_role_binding(user, role) for role in cluster_roles]).check()
        return self._kubeconfigs.for_user(user, groups, expired=expired)[0]

    def kubeconfig_with_token(self, name: str, token: str = "unknown") -> Path:
        """A kubeconfig with a bearer token; but for those of service accounts the server knows none."""
        return self._kubeconfigs.for_token(name, token)

    def kubectl(
        self, *arguments: str, kubeconfig: Path | None = None, stdin: str = "", seconds: float = WAIT_SECONDS
    ) -> subprocess.CompletedProcess[str]:
        """Run this version's kubectl; the caller looks at the status."""
        command = [self._executables["kubectl"], f"--kubeconfig={kubeconfig or self.admin_kubeconfig}", *arguments]
        return subprocess.run(
            command, input=stdin, capture_output=True, text=True, check=False, timeout=seconds, env=self._environment
        )

    def exec(
        self, namespace: str, pod: str, *command: str, container: str | None = None, seconds: float = WAIT_SECONDS
    ) -> subprocess.CompletedProcess[str]:
        """Run a command "in" a pod, which is on this host, through the API server; the status is the command's own."""
        chosen = [f"--container={container}"] if container else []
        done = self.kubectl("exec", f"--namespace={namespace}", pod, *chosen, "--", *command, seconds=seconds)
        return with_own_status(done)

    # Objects

    def apply(
        self, items: Iterable[Object], *, manager: str = "tests", force: bool = True, dry_run: bool = False
    ) -> Outcome:
        """Apply objects on the server in order, with strict validation; the outcome says what it thought of each."""
        with self._explained():
            return apply(self.api, items, manager=manager, force=force, dry_run=dry_run)

    def install_definitions(self, definitions: Sequence[Object]) -> None:
        """Install custom resource definitions and wait until their objects can be applied."""
        self.apply(definitions).check()
        self.wait_ready(*definitions)

        def unserved() -> list[str]:
            return [label(one) for one in definitions if not _is_served(self.api, one)]

        self.wait_for("the kinds are served", unserved)

    def wait_ready(self, *items: Object, seconds: float = WAIT_SECONDS) -> list[Object]:
        """Wait until these objects are ready, and return them as they are then."""
        with self._explained():
            return waiting.wait_ready(self.api, items, seconds=seconds)

    def wait_gone(self, *items: Object, seconds: float = WAIT_SECONDS) -> None:
        """Wait until these objects exist no more."""
        with self._explained():
            waiting.wait_gone(self.api, items, seconds=seconds)

    def wait_for(self, what: str, probe: Probe, *, seconds: float = WAIT_SECONDS) -> None:
        """Wait until the probe finds nothing missing any more."""
        with self._explained():
            waiting.wait_for(what, probe, seconds=seconds)

    # Insight

    def logs(self, name: str, lines: int = 40) -> str:
        """The end of a process's log: etcd, kube-apiserver, …, kwok, or stand-ins."""
        return self._processes.tail(name, lines)

    def pids(self) -> dict[str, int]:
        """The ids of the running processes by name."""
        return self._processes.pids()

    def _start(self, name: str, command: Sequence[str | Path]) -> None:
        self._processes.start(name, command, env=self._environment)

    def _start_kwok(self) -> None:
        config_file = self.directory / "kwok.yaml"
        work = self.directory / "exec"
        work.mkdir(exist_ok=True)
        write_config(config_file, self._exec_rules, work)
        self._start(_KWOK, self._servers.kwok(config_file))
        self._wait_healthy(_KWOK, self._kubelet, "/healthz")

    def _wait_healthy(self, name: str, api: Api, path: str) -> None:
        def probe() -> list[str]:
            self._processes.check()
            try:
                api.request("GET", path)
            except (ApiError, urllib3.exceptions.HTTPError) as error:
                return [f"{name}: {error}"]
            return []

        waiting.wait_for(f"{name} healthy", probe, seconds=START_SECONDS, details=lambda: [self.logs(name)])

    def _furnish(self) -> None:
        """Make the objects every cluster has, and wait until pods can be created and scheduled."""
        self.wait_ready({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system"}})
        for item in self._furniture:
            self.api.create(item)

        def probe() -> list[str]:
            self._processes.check()
            account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
            missing = [] if self.api.read(account) else ["no service account yet"]
            # A node stays closed to pods until its taint is gone, which is a moment after it is ready.
            unready = [one for one in self.api.list("v1", "Node") if lack(one) or one["spec"].get("taints")]
            return [*missing, *(f"{label(one)} is not ready" for one in unready)]

        waiting.wait_for("pods can be scheduled", probe, seconds=START_SECONDS, details=lambda: [self.logs(_KWOK)])

    @contextmanager
    def _explained(self) -> Generator[None]:
        """Where a request fails because a process ended by itself, say that, with its log."""
        try:
            yield
        except urllib3.exceptions.HTTPError:
            if _APISERVER in self._processes.pids():
                self._processes.check(settle=2)
            raise


def _is_served(api: Api, definition: Object) -> bool:
    spec = definition["spec"]
    try:
        for version in spec["versions"]:
            if version["served"]:
                api.resource(f"{spec['group']}/{version['name']}", spec["names"]["kind"])
    except NoSuchKindError:
        return False
    return True


def _executables(kubernetes: Part) -> dict[str, Path]:
    names = (_ETCD, _KWOK, kubernetes.name)
    if absent := " ".join(parts.missing(*names)):
        raise NotBuiltError(f"not built: {absent}; run: python -m testbed.programs build {absent}")
    return parts.executables(*names)
