"""What a node sees of the machine's files: its own data, control groups, and kernel settings."""

from __future__ import annotations

from pathlib import Path

from testbed.node import cgroups
from testbed.node.commands import run

DATA = ("kubelet", "containerd", "cni")
"""Directories of /var/lib that each node has to itself."""

PROCESSORS = 8
"""What each node claims to have; its pods share those of the machine."""

_KERNEL_SETTINGS = {
    "vm/overcommit_memory": 1,
    "vm/panic_on_oom": 0,
    "kernel/panic": 10,
    "kernel/panic_on_oops": 1,
    "kernel/keys/root_maxkeys": 1_000_000,
    "kernel/keys/root_maxbytes": 25_000_000,
}
"""What the kubelet wants of the kernel (pkg/kubelet/cm, setupKernelTunables)."""


def furnish(directory: Path) -> None:
    """Give this mount namespace a node's view; its data lands in the directory."""
    # Volumes that the kubelet mounts must show in the containers.
    run("mount", "--make-rshared", "/")
    _own_data(directory)
    run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    # The interfaces in /sys are those of the network namespace in which it was mounted.
    run("mount", "-t", "sysfs", "sysfs", "/sys")
    _own_cgroups()
    _claim_processors()
    _fake_kernel_settings()


def _own_data(directory: Path) -> None:
    upper, work = directory / "upper", directory / "work"
    for one in (upper, work, *(directory / name for name in DATA), directory / "log"):
        one.mkdir(parents=True)
    # The overlay gives places to mount at without a trace on the machine; an overlay on it would be refused.
    run("mount", "-t", "overlay", "-o", f"lowerdir=/var/lib,upperdir={upper},workdir={work}", "overlay", "/var/lib")
    for name in DATA:
        place = Path("/var/lib", name)
        place.mkdir(exist_ok=True)
        run("mount", "--bind", directory / name, place)
    run("mount", "--bind", directory / "log", "/var/log")


def _own_cgroups() -> None:
    run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", cgroups.ROOT)
    for controller in cgroups.CONTROLLERS:
        (cgroups.ROOT / controller).mkdir()
        run("mount", "-t", "cgroup", "-o", controller, "cgroup", cgroups.ROOT / controller)
    (cgroups.ROOT / "systemd").mkdir()
    run("mount", "-t", "cgroup", "-o", "none,name=systemd", "cgroup", cgroups.ROOT / "systemd")


def _claim_processors() -> None:
    """Let the kubelet count more processors than there are, so that what stacks ask for fits on a small machine."""
    processors, groups = Path("/sys/devices/system/cpu"), Path("/sys/devices/system/node")
    for place in (processors, groups):
        run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", place)
    for number in range(PROCESSORS):
        (processors / f"cpu{number}").mkdir()


def _fake_kernel_settings() -> None:
    """Show the kubelet the settings it wants: the real ones belong to the whole machine."""
    shown = Path("/run/kernel")
    shown.mkdir()
    for name, wanted in _KERNEL_SETTINGS.items():
        real = Path("/proc/sys", name)
        if real.read_text(encoding="ascii").strip() != str(wanted):
            fake = shown / name.replace("/", ".")
            fake.write_text(f"{wanted}\n", encoding="ascii")
            run("mount", "--bind", fake, real)
