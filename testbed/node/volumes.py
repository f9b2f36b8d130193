"""Volumes of real nodes: directories that every node sees, as with a network's disks."""

from __future__ import annotations

import shutil
from pathlib import Path

from testbed.controlplane.api import Object

_ANY_NODE = {"matchExpressions": [{"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]}]}


class Directories:
    """Backs each volume by a directory; nothing enforces its size."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def source(self, name: str) -> Object:
        """A `local` volume, which honours fsGroup, as a hostPath does not; it may be on any node."""
        path = self._root / name
        path.mkdir(parents=True, exist_ok=True)
        return {"local": {"path": str(path)}, "nodeAffinity": {"required": {"nodeSelectorTerms": [_ANY_NODE]}}}

    def discard(self, name: str) -> None:
        shutil.rmtree(self._root / name, ignore_errors=True)
