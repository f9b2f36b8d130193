"""How the programs of a control plane are started: everything on loopback, nothing shared with another rig."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from testbed.controlplane.certificates import KeyPair

Command = list[str | Path]


@dataclass(frozen=True)
class Ports:
    """The loopback ports of one rig."""

    etcd: int
    etcd_peer: int
    apiserver: int
    kubelet: int


@dataclass(frozen=True)
class Servers:
    """The command lines of one rig's processes."""

    executables: Mapping[str, Path]
    directory: Path
    ports: Ports
    authority: Path
    serving: KeyPair
    account_key: Path
    """Signs service account tokens."""
    kubeconfig: Path
    """The administrator's."""
    address: str = "127.0.0.1"
    """Where the API server listens."""
    services: str = "10.96.0.0/16"
    """Networks of Services, the first of which they have unless they ask for another."""

    def etcd(self) -> Command:
        client, peer = (f"http://127.0.0.1:{port}" for port in (self.ports.etcd, self.ports.etcd_peer))
        return [
            self.executables["etcd"],
            f"--data-dir={self.directory / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            # The data of a test need not survive the machine.
            "--unsafe-no-fsync",
            "--log-level=warn",
        ]

    def apiserver(self) -> Command:
        """For simulated nodes; admission plugins and feature gates stay at their defaults, Pod Security among them."""
        return [
            *self.any_apiserver(),
            # No pod reaches the server by its Service, and 1.37 advertises no loopback address.
            "--endpoint-reconciler-type=none",
            "--authorization-mode=RBAC",
        ]

    def any_apiserver(self) -> Command:
        """Options of an API server with simulated and with real nodes."""
        return [
            self.executables["kube-apiserver"],
            f"--etcd-servers=http://127.0.0.1:{self.ports.etcd}",
            f"--bind-address={self.address}",
            f"--advertise-address={self.address}",
            f"--secure-port={self.ports.apiserver}",
            f"--tls-cert-file={self.serving.certificate}",
            f"--tls-private-key-file={self.serving.key}",
            f"--client-ca-file={self.authority}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={self.account_key}",
            f"--service-account-signing-key-file={self.account_key}",
            f"--service-cluster-ip-range={self.services}",
            # Clusters allow it and leave the refusal to Pod Security; the bare default is to refuse.
            "--allow-privileged=true",
            # The nodes' host names resolve nowhere.
            "--kubelet-preferred-address-types=InternalIP",
        ]

    def controller_manager(self) -> Command:
        """For simulated nodes."""
        return [
            *self.any_controller_manager(),
            # A busy machine delays the fake nodes' heartbeats; none of them is ever away.
            "--node-monitor-grace-period=1h",
        ]

    def any_controller_manager(self) -> Command:
        """Options of the controllers with simulated and with real nodes."""
        return [
            self.executables["kube-controller-manager"],
            *self._client_flags(),
            f"--root-ca-file={self.authority}",
            f"--service-account-private-key-file={self.account_key}",
            # By default a claim waits up to 15 s for its volume.
            "--pvclaimbinder-sync-period=1s",
            # By default an autoscaler looks every 15 s.
            "--horizontal-pod-autoscaler-sync-period=2s",
        ]

    def scheduler(self) -> Command:
        return [self.executables["kube-scheduler"], *self._client_flags()]

    def kwok(self, config: Path) -> Command:
        """Plays the kubelet of every node."""
        return [
            self.executables["kwok"],
            f"--kubeconfig={self.kubeconfig}",
            f"--config={config}",
            "--manage-all-nodes=true",
            "--cidr=10.244.0.1/16",
            "--node-ip=127.0.0.1",
            f"--node-port={self.ports.kubelet}",
            f"--server-address=127.0.0.1:{self.ports.kubelet}",
            f"--tls-cert-file={self.serving.certificate}",
            f"--tls-private-key-file={self.serving.key}",
        ]

    def _client_flags(self) -> Command:
        return [
            f"--kubeconfig={self.kubeconfig}",
            "--leader-elect=false",
            # No listener: health shows in what gets done.
            "--secure-port=0",
            "--kube-api-qps=200",
            "--kube-api-burst=400",
        ]
