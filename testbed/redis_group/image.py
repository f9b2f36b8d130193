"""HAProxy for nodes: Debian's, older than the one that manifests name, with BusyBox in place of Alpine's commands."""

from __future__ import annotations

from pathlib import Path

from testbed.node.images import archive
from testbed.node.images.archive import Run
from testbed.node.images.filesystem import Filesystem
from testbed.node.images.recipe import local
from testbed.programs.part import Log

NAME = "haproxy"


def proxy_image(directory: Path, log: Log) -> Path:
    """Make the image and return the directory that holds nothing but its archive."""
    root, stored = directory / "root", directory / "stored"
    root.mkdir(parents=True)
    stored.mkdir()
    image = Filesystem(root, log)
    image.standard()
    image.debian("haproxy")
    image.busybox()
    archive.write(root, Run(command=["haproxy"]), (local(NAME),), stored / f"{NAME}.tar")
    return stored
