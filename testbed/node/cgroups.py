"""The nodes' control groups, version 1: one directory for each node below the groups of the process that asks.

A node enters them before it makes its cgroup namespace, which is then rooted there: the kubelet sees them as `/`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

CONTROLLERS = ("cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids")
ROOT = Path("/sys/fs/cgroup")
_SYSTEMD = "systemd"
_REMOVE_SECONDS = 5.0


class CgroupError(RuntimeError):
    """This machine's control groups are not what a node needs."""


def own() -> dict[str, Path]:
    """The groups that this process is in, by controller; each controller may have a path of its own.

    Raises CgroupError where a controller that the kubelet needs has no version 1 hierarchy.
    """
    found: dict[str, Path] = {}
    for line in Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines():
        _, names, path = line.split(":", 2)
        for name in names.split(","):
            controller = name.removeprefix("name=")
            if controller in (*CONTROLLERS, _SYSTEMD):
                found[controller] = ROOT / controller / path.lstrip("/")
    if absent := [name for name in CONTROLLERS if name not in found or not found[name].is_dir()]:
        raise CgroupError(f"no version 1 control groups for {', '.join(absent)}")
    return found


def create(name: str) -> None:
    """Make one node's groups."""
    for controller, parent in own().items():
        group = parent / name
        group.mkdir()
        if controller == "cpuset":
            # A new group has none, and takes no process without.
            for file in ("cpuset.cpus", "cpuset.mems"):
                (group / file).write_text((parent / file).read_text(encoding="ascii"), encoding="ascii")


def enter(name: str) -> None:
    """Move this process into one node's groups."""
    for parent in own().values():
        (parent / name / "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")


def freeze(name: str, *, frozen: bool) -> None:
    """Stop one node's processes where they are, or let them go on; those of its containers too."""
    (own()["freezer"] / name / "freezer.state").write_text("FROZEN" if frozen else "THAWED", encoding="ascii")


def of_containers(name: str) -> list[int]:
    """The processes of one node's pods, by their ids on the machine."""
    files = (own()["memory"] / name).glob("kubepods/**/cgroup.procs")
    return [int(process) for file in files for process in file.read_text(encoding="ascii").split()]


def remove(prefix: str) -> None:
    """Remove the groups whose names begin so, with what containers made below; their processes must have ended."""
    for group in _groups(prefix):
        for directory, _, _ in os.walk(group, topdown=False):
            _remove(Path(directory))


def abandoned(prefix: str) -> Iterator[str]:
    """Names of groups called `<prefix><process id>-<node>` whose process is gone."""
    for group in _groups(prefix):
        process = group.name.removeprefix(prefix).partition("-")[0]
        if process.isdecimal() and not Path("/proc", process).exists():
            yield group.name


def _groups(prefix: str) -> list[Path]:
    return [group for parent in own().values() for group in parent.glob(f"{prefix}*")]


def _remove(directory: Path) -> None:
    """Remove one group; the kernel needs a moment after the end of its last process."""
    deadline = time.monotonic() + _REMOVE_SECONDS
    while True:
        try:
            directory.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
