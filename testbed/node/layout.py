"""Where everything of a node cluster is: addresses inside its network, files inside its directory."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from testbed.controlplane.certificates import KeyPair

API = "10.89.0.1"
"""The control plane's address on the bridge that joins the nodes."""
API_PORT = 6443
REGISTRY_PORT = 5000
DNS = "10.96.0.10"
"""The address of the Service of the cluster's DNS."""
FIRST_SERVICE = "10.96.0.1"
"""The address of the Service `kubernetes`."""
POD_NETWORK = "10.244.0.0/16"
INTERNET = "45.0.0.1"
"""A public address, as network policies see it; it is only ever an address inside the nodes' own network."""
INTERNET_NAME = "example.test"
"""The name of that address in the cluster's DNS."""
SERVER = f"https://{API}:{API_PORT}"
ZONES = ("zone-a", "zone-b", "zone-c")
MOST_NODES = 4

PAUSE_IMAGE = "local.test/pause:1"
COREDNS_IMAGE = "local.test/coredns:1"
METRICS_IMAGE = "local.test/metrics-server:1"


def node_name(number: int) -> str:
    return f"node-{number}"


def node_user(number: int) -> str:
    """Whom the API server takes a kubelet for."""
    return f"system:node:{node_name(number)}"


def node_address(number: int) -> str:
    return f"10.89.0.{10 + number}"


def pod_range(number: int) -> str:
    """The addresses of one node's pods."""
    return f"10.244.{number}.0/24"


def zone(number: int) -> str:
    return ZONES[(number - 1) % len(ZONES)]


@dataclass(frozen=True)
class Plan:
    """What every process of one cluster knows about it."""

    directory: Path
    nodes: int
    executables: dict[str, Path]
    images: tuple[Path, ...]
    """Directories of docker archives that the registry serves."""
    cgroup: str
    """The first part of the names of the nodes' control groups."""
    listener: int
    """File descriptor of a listening socket outside the namespaces, whose connections lead to the API server."""

    @property
    def logs(self) -> Path:
        return self.directory / "logs"

    @property
    def certificates(self) -> Path:
        return self.directory / "certificates"

    @property
    def authority(self) -> Path:
        return self.certificates / "ca.crt"

    @property
    def tokens(self) -> Path:
        """The file of `--token-auth-file`."""
        return self.certificates / "tokens.csv"

    @property
    def token(self) -> Path:
        """The one token in it."""
        return self.certificates / "token"

    @property
    def kubeconfigs(self) -> Path:
        """Kubeconfigs that work inside the namespaces."""
        return self.directory / "inside"

    @property
    def admin(self) -> Path:
        return self.kubeconfig("admin")

    @property
    def pids(self) -> Path:
        """The nodes' processes by number, as ids inside the namespaces."""
        return self.directory / "pids.json"

    @property
    def volumes(self) -> Path:
        return self.directory / "volumes"

    @property
    def bulk(self) -> tuple[Path, ...]:
        """What takes space and is worth nothing once the cluster is gone."""
        return self.volumes, self.directory / "etcd", self.directory / "nodes"

    def node_directory(self, number: int) -> Path:
        return self.directory / "nodes" / node_name(number)

    def kubeconfig(self, user: str) -> Path:
        return self.kubeconfigs / f"{user}.kubeconfig"

    def pair(self, name: str) -> KeyPair:
        return KeyPair(self.certificates / f"{name}.crt", self.certificates / f"{name}.key")

    def cgroup_of(self, number: int) -> str:
        return f"{self.cgroup}-{number}"

    def save(self) -> Path:
        """Write it where `load` reads it."""
        path = self.directory / "plan.json"
        path.write_text(json.dumps(asdict(self), default=str), encoding="utf-8")
        return path

    @staticmethod
    def load(path: str) -> Plan:
        read = json.loads(Path(path).read_text(encoding="utf-8"))
        return Plan(
            directory=Path(read["directory"]),
            nodes=read["nodes"],
            executables={name: Path(path) for name, path in read["executables"].items()},
            images=tuple(Path(path) for path in read["images"]),
            cgroup=read["cgroup"],
            listener=read["listener"],
        )
