"""The images of a cluster itself: what holds a pod's namespaces, DNS, and the metrics that autoscaling reads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from testbed.node import layout
from testbed.node.archive import write_program

_USERS = {"pause": "65535:65535", "coredns": "1000", "metrics-server": "1000"}
_NAMES = {"pause": layout.PAUSE_IMAGE, "coredns": layout.COREDNS_IMAGE, "metrics-server": layout.METRICS_IMAGE}


def write(directory: Path, executables: Mapping[str, Path]) -> None:
    """Write their archives into a new directory."""
    directory.mkdir(parents=True)
    for program, name in _NAMES.items():
        write_program(directory / f"{program}.tar", name, executables[program], user=_USERS[program])
