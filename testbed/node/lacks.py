"""Why this machine cannot run nodes, if so."""

from __future__ import annotations

import os
import shutil
import subprocess

from testbed.node import cgroups
from testbed.programs import parts
from testbed.programs.parts import DEFAULT_MINOR

KUBECONFIG_VARIABLE = "ARCHESAI_NODE_KUBECONFIG"
"""Names the kubeconfig of a cluster with real nodes, such as kind's or k3d's, to test on instead."""

PARTS = ("etcd", f"kubernetes-{DEFAULT_MINOR}", *parts.NODE)
"""What a cluster of real nodes is made of; kubelets of one minor only are pinned."""

IMAGES = (
    "postgres", "redis", "rustfs", "minio", "rclone", "api-latest", "api-v1.0.0", "api-v1.1.0", "api-v1.2.0",
    "api-v1.2.1", "platform", "unstructured", "scraper", "tools", "postgres-exporter", "redis-exporter",
    "velero", "velero-plugin-for-aws", "postgres-18",
)  # fmt: skip
"""The images that pods of the shipped stacks run."""

_COMMANDS = {
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "ip": "iproute2",
    "mount": "mount",
    "openssl": "openssl",
    "runc": "runc",
    "nft": "nftables",
    "iptables": "iptables",
}
"""The machine's commands and the Debian packages they are in."""
_PROBE = ("unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "true")


def lack() -> str | None:
    """What the machine itself lacks; parts that can be built do not count."""
    if os.geteuid() != 0:
        return f"only root may make a node's namespaces and mounts; {KUBECONFIG_VARIABLE} names a cluster instead"
    if absent := [command for command in _COMMANDS if shutil.which(command) is None]:
        packages = " ".join(dict.fromkeys(_COMMANDS[command] for command in absent))
        return f"no {', '.join(absent)} on PATH: install {packages}"
    try:
        cgroups.own()
    except cgroups.CgroupError as error:
        return f"{error}; {KUBECONFIG_VARIABLE} names a cluster instead"
    done = subprocess.run(_PROBE, capture_output=True, text=True, check=False, timeout=60)
    return f"this machine makes no namespaces: {done.stderr.strip()}" if done.returncode else None
