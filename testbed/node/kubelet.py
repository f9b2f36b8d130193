"""How the kubelet of a node is set up."""

from __future__ import annotations

import json
from pathlib import Path

from testbed.node import containerd, layout
from testbed.node.layout import Plan

_CONFIG = Path("/run/kubelet.json")
_RESOLVER = Path("/run/resolv.conf")


def command(plan: Plan, number: int) -> list[str | Path]:
    """Write the configuration and return the command line."""
    # Pods that ask the node's resolver: nothing answers there, as nothing is outside.
    _RESOLVER.write_text(f"nameserver {layout.INTERNET}\n", encoding="utf-8")
    _CONFIG.write_text(json.dumps(_config(plan, number)), encoding="utf-8")
    return [
        plan.executables["kubelet"],
        f"--config={_CONFIG}",
        f"--kubeconfig={plan.kubeconfig(layout.node_user(number))}",
        f"--hostname-override={layout.node_name(number)}",
        f"--node-ip={','.join(family.node_address(number) for family in plan.families)}",
        f"--node-labels=topology.kubernetes.io/zone={layout.zone(number)},topology.kubernetes.io/region=region-1",
        "--root-dir=/var/lib/kubelet",
        "--cert-dir=/run/kubelet",
    ]


def _config(plan: Plan, number: int) -> dict[str, object]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": layout.node_address(number),
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(plan.authority)},
        },
        "authorization": {"mode": "Webhook"},
        "healthzPort": 0,
        "readOnlyPort": 0,
        "containerRuntimeEndpoint": f"unix://{containerd.SOCKET}",
        "volumePluginDir": "/var/lib/kubelet/volume-plugins",
        "cgroupDriver": "cgroupfs",
        "failCgroupV1": False,
        "failSwapOn": False,
        # It refuses to start rather than change settings of the whole machine; the node shows it what it wants.
        "protectKernelDefaults": True,
        "makeIPTablesUtilChains": False,
        "clusterDNS": [layout.DNS],
        "clusterDomain": "cluster.local",
        "resolvConf": str(_RESOLVER),
        # The machine's disk and memory are not this node's to judge.
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "1%",
            "imagefs.available": "1%",
            "nodefs.inodesFree": "1%",
        },
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "nodeStatusUpdateFrequency": "5s",
        "syncFrequency": "10s",
        "serializeImagePulls": False,
    }
