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
INTERNET = "45.0.0.1"
"""A public address, as network policies see it; it is only ever an address inside the nodes' own network."""
INTERNET_NAME = "example.test"
"""The name of that address in the cluster's DNS."""


@dataclass(frozen=True)
class Family:
    """The addresses of one version of IP."""

    api: str
    """The control plane's."""
    services: str
    """The network of Services."""
    internet: str
    """A public address, as network policies see it; it is only ever an address inside the nodes' own network."""
    metadata: tuple[str, ...]
    """Addresses where clouds give any process of a machine its credentials; here nodes reach them like the internet."""
    node: str
    """A node's, by its number."""
    pods: str
    """The network of a node's pods, by its number."""
    pod_network: str
    """The network of all pods."""
    prefix: int
    """Length of the prefix that the nodes share."""
    everywhere: str
    host: int
    """Length of the prefix of one address."""
    forwarding: str
    """Where the kernel is told to lead packets on."""
    dns: str
    """Address of the Service of the cluster's DNS."""

    def node_address(self, number: int) -> str:
        return self.node.format(10 + number)

    def pod_range(self, number: int) -> str:
        """The addresses of one node's pods."""
        return self.pods.format(number)

    def has(self, address: str) -> bool:
        """Whether an address is of this version."""
        return (":" in address) == (":" in self.api)

    def dialed(self, address: str, port: int) -> str:
        """An address with a port, as programs take it."""
        return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


IPV4 = Family(
    api=API,
    services="10.96.0.0/16",
    internet=INTERNET,
    # Of most clouds, and of Azure's host.
    metadata=("169.254.169.254", "168.63.129.16"),
    node="10.89.0.{}",
    pods="10.244.{}.0/24",
    pod_network="10.244.0.0/16",
    prefix=24,
    everywhere="0.0.0.0/0",
    host=32,
    forwarding="/proc/sys/net/ipv4/ip_forward",
    dns=DNS,
)
IPV6 = Family(
    api="fd00:89::1",
    services="fd00:96::/112",
    internet="2600:1f00::1",
    metadata=("fd00:ec2::254",),
    node="fd00:89::{}",
    pods="fd00:244:0:{}::/64",
    pod_network="fd00:244::/48",
    prefix=64,
    everywhere="::/0",
    host=128,
    forwarding="/proc/sys/net/ipv6/conf/all/forwarding",
    dns="fd00:96::a",
)

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
    return IPV4.node_address(number)


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
    dual_stack: bool = False
    """Whether nodes, pods and Services have addresses of IPv6 beside those of IPv4."""

    @property
    def families(self) -> tuple[Family, ...]:
        """The versions of IP, the first of which Services have unless they ask for another."""
        return (IPV4, IPV6) if self.dual_stack else (IPV4,)

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
            dual_stack=read["dual_stack"],
        )
