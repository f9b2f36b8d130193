"""How containerd is set up on a node."""

from __future__ import annotations

from pathlib import Path

from testbed.node import layout
from testbed.node.layout import Plan

SOCKET = Path("/run/containerd/containerd.sock")
TASKS = Path("/run/containerd/io.containerd.runtime.v2.task/k8s.io")
"""Where the process id of each running container is: `<container>/init.pid`."""
_CONFIG = Path("/run/containerd.toml")
_REGISTRIES = Path("/run/registries")
_NETWORKS = Path("/run/cni/net.d")


def command(plan: Plan) -> list[str | Path]:
    """Write the configuration and return the command line."""
    _NETWORKS.mkdir(parents=True)
    default = _REGISTRIES / "_default"
    default.mkdir(parents=True)
    # Every registry's images are at ours.
    (default / "hosts.toml").write_text(
        f'[host."http://{layout.API}:{layout.REGISTRY_PORT}"]\ncapabilities = ["pull", "resolve"]\n', encoding="utf-8"
    )
    _CONFIG.write_text(_config(plan.executables["ptp"].parent), encoding="utf-8")
    return [plan.executables["containerd"], "--config", _CONFIG]


def write_network(content: str) -> None:
    """Tell it how pods are connected."""
    (_NETWORKS / "10-pods.conflist").write_text(content, encoding="utf-8")


def _config(plugins: Path) -> str:
    unused = (
        "snapshotter.v1.blockfile",
        "snapshotter.v1.erofs",
        "snapshotter.v1.native",
        "nri.v1.nri",
        "internal.v1.tracing",
    )
    disabled = ", ".join(f'"io.containerd.{name}"' for name in unused)
    return f"""
version = 3
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = [{disabled}]
[grpc]
address = "{SOCKET}"
[plugins."io.containerd.cri.v1.images"]
snapshotter = "overlayfs"
[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "{layout.PAUSE_IMAGE}"
[plugins."io.containerd.cri.v1.images".registry]
config_path = "{_REGISTRIES}"
[plugins."io.containerd.cri.v1.runtime"]
# Without CAP_SYS_RESOURCE no process may get a lower score than this one has.
restrict_oom_score_adj = true
[plugins."io.containerd.cri.v1.runtime".cni]
bin_dirs = ["{plugins}"]
conf_dir = "{_NETWORKS}"
[plugins."io.containerd.cri.v1.runtime".containerd]
default_runtime_name = "runc"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
BinaryName = "runc"
SystemdCgroup = false
"""
