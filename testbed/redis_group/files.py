"""Files of the pods as processes, with the modes that the kubelet gives them."""

from __future__ import annotations

import os
from pathlib import Path

from testbed.backups.servers import UNPRIVILEGED


def made(path: Path) -> None:
    """Make a directory that the pods' user may write to."""
    path.mkdir(parents=True, exist_ok=True)
    for part in (path, path.parent):
        if os.geteuid() == 0:
            os.chown(part, UNPRIVILEGED, UNPRIVILEGED)


def as_config_map(path: Path, text: str) -> None:
    """Write a file of a ConfigMap."""
    path.write_text(text, encoding="utf-8")
    path.chmod(0o444)


def as_secret(path: Path, text: str) -> None:
    """Write a file of a Secret in one step, as the kubelet does."""
    new = path.with_name(f"new-{path.name}")
    new.write_text(text, encoding="utf-8")
    new.chmod(0o440)
    if os.geteuid() == 0:
        os.chown(new, 0, UNPRIVILEGED)
    new.replace(path)
