"""Object storage: the real MinIO, built from its module, the double of RustFS, which is MinIO too, and rclone.

MinIO's image is not proven, only its program. The double proves nothing about RustFS (see its program). rclone is
Debian's 1.60, older than the 1.71 that manifests name.
"""

from __future__ import annotations

from archesai_infra import versions
from testbed.node.images.archive import Run
from testbed.node.images.filesystem import Filesystem
from testbed.node.images.recipe import Programs, Recipe, reference

# The image's own: a first word that is no program is an argument of the server.
_MINIO_ENTRYPOINT = """#!/bin/sh
if [ "${1}" != minio ] && [ -n "${1}" ]; then set -- minio "$@"; fi
exec "$@"
"""


def _minio(image: Filesystem, programs: Programs) -> None:
    image.standard()
    image.busybox()
    image.program(programs["minio"], "usr/bin/minio")
    image.program(programs["mc"], "usr/bin/mc")
    image.text("usr/bin/docker-entrypoint.sh", _MINIO_ENTRYPOINT)


def _rustfs(image: Filesystem, programs: Programs) -> None:
    image.standard()
    image.busybox()
    image.program(programs["minio"], "usr/bin/minio")
    image.program(programs["rustfs"], "usr/bin/rustfs")
    image.shared(("data", "logs"))


def _rclone(image: Filesystem, _: Programs) -> None:
    image.standard()
    image.busybox()
    image.debian("rclone", "ca-certificates")
    image.shared(("data",))


RECIPES = (
    Recipe(
        "minio",
        (reference(versions.MINIO),),
        _minio,
        Run(entrypoint=["/usr/bin/docker-entrypoint.sh"], command=["minio"]),
        ("minio",),
    ),
    Recipe(
        "rustfs",
        (reference(versions.RUSTFS),),
        _rustfs,
        Run(entrypoint=["rustfs"], user="10001:10001"),
        ("minio", "doubles"),
    ),
    Recipe("rclone", (reference(versions.RCLONE),), _rclone, Run(entrypoint=["rclone"], directory="/data")),
)
