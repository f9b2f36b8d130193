"""The images of a cluster itself: what holds a pod's namespaces, DNS, and the metrics that autoscaling reads."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from testbed.node import layout
from testbed.node.images import archive

_USERS = {"pause": "65535:65535", "coredns": "1000", "metrics-server": "1000"}
_NAMES = {"pause": layout.PAUSE_IMAGE, "coredns": layout.COREDNS_IMAGE, "metrics-server": layout.METRICS_IMAGE}


def write(directory: Path, executables: Mapping[str, Path]) -> None:
    """Write their archives into a new directory."""
    directory.mkdir(parents=True)
    for program, name in _NAMES.items():
        write_program(directory / f"{program}.tar", name, executables[program], user=_USERS[program])


def write_program(target: Path, name: str, program: Path, *, user: str) -> None:
    """Write the archive of an image of one static program, at `/<its name>`, that may write to /tmp."""
    with TemporaryDirectory() as temporary:
        root = Path(temporary) / "root"
        (root / "tmp").mkdir(parents=True)
        (root / "tmp").chmod(0o1777)
        shutil.copy(program, root / program.name)
        (root / program.name).chmod(0o755)
        archive.write(root, archive.Run(entrypoint=[f"/{program.name}"], user=user), [name], target)
