"""The objects every cluster of real nodes starts with: a storage class, DNS and metrics."""

from __future__ import annotations

from pathlib import Path

import yaml

from testbed.controlplane import fleet
from testbed.controlplane.api import Object


def objects() -> list[Object]:
    """In the order in which they are applied."""
    storage = fleet.storage_class(fleet.STORAGE_CLASS, reclaim="Delete", binding="WaitForFirstConsumer", default=True)
    files = [Path(__file__).with_name(name) for name in ("coredns.yaml", "metrics-server.yaml")]
    read = [item for file in files for item in yaml.safe_load_all(file.read_text(encoding="utf-8"))]
    return [storage, *read]
