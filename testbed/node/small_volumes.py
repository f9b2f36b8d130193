"""Volumes whose size is enforced: file systems in memory on one node, which claims get before any provisioner acts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from testbed.controlplane import fleet
from testbed.controlplane.api import Object
from testbed.node.rig import Nodes, NodesError

_DIRECTORY = "/run/small-volumes"
_FILLER = "filler"


@dataclass(frozen=True)
class SmallVolumes:
    """The small volumes of one namespace; they stay as long as the nodes.

    What is in them counts as memory of the container that wrote it.
    """

    nodes: Nodes
    namespace: str
    node: str = "node-1"
    """Their pods run there."""

    def make(self, claims: Iterable[Object], mebibytes: int) -> None:
        """Make a volume for each of these claims, before they are applied; it claims to have the size they ask for."""
        for claim in claims:
            name = claim["metadata"]["name"]
            self._run(f"mkdir -p {self._path(name)} && mount -t tmpfs -o {_size(mebibytes)} tmpfs {self._path(name)}")
            self.nodes.api.create(self._volume(claim))

    def fill(self, claim: str) -> None:
        """Take all that is free, as what grows on the same volume would."""
        self._run(f"cat /dev/zero >{self._path(claim)}/{_FILLER} 2>/dev/null || true")

    def grow(self, claim: str, mebibytes: int) -> None:
        """Make the file system larger under its pod, as a storage provider does; what filled it stays."""
        self._run(f"mount -o remount,{_size(mebibytes)} {self._path(claim)}")

    def clear(self, claim: str) -> None:
        """Take away what filled it."""
        self._run(f"rm -f {self._path(claim)}/{_FILLER}")

    def _path(self, claim: str) -> str:
        return f"{_DIRECTORY}/{self.namespace}-{claim}"

    def _run(self, script: str) -> None:
        done = self.nodes.in_node(self.node, "sh", "-c", script)
        if done.returncode:
            raise NodesError(f"{script}: {done.stderr.strip()}")

    def _volume(self, claim: Object) -> Object:
        name = claim["metadata"]["name"]
        here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [self.node]}
        return {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": f"{self.namespace}-{name}"},
            "spec": {
                "capacity": claim["spec"]["resources"]["requests"],
                "accessModes": claim["spec"]["accessModes"],
                "storageClassName": claim["spec"].get("storageClassName", fleet.STORAGE_CLASS),
                "persistentVolumeReclaimPolicy": "Retain",
                "local": {"path": self._path(name)},
                "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
                "claimRef": {"namespace": self.namespace, "name": name},
            },
        }


def _size(mebibytes: int) -> str:
    return f"size={mebibytes}m"
