"""How pods are connected, and Services found: routes, not a bridge, so that each packet passes the policies."""

from __future__ import annotations

import json
from pathlib import Path

from testbed.node import layout
from testbed.node.layout import Plan

_PROXY_CONFIG = Path("/run/kube-proxy.json")


def plugins(plan: Plan, number: int) -> str:
    """The list of network plugins of one node."""
    addresses = {
        "type": "host-local",
        "dataDir": "/run/cni/addresses",
        "ranges": [[{"subnet": family.pod_range(number)}] for family in plan.families],
        "routes": [{"dst": family.everywhere} for family in plan.families],
    }
    plugin = {"type": "ptp", "ipMasq": False, "mtu": 1500, "ipam": addresses}
    return json.dumps({"cniVersion": "1.0.0", "name": "pods", "plugins": [plugin]})


def proxy_command(plan: Plan, number: int) -> list[str | Path]:
    """Write kube-proxy's configuration and return its command line."""
    config = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clusterCIDR": ",".join(family.pod_network for family in plan.families),
        "clientConnection": {"kubeconfig": str(plan.admin)},
        "hostnameOverride": layout.node_name(number),
        "healthzBindAddress": f"{layout.node_address(number)}:10256",
        "metricsBindAddress": "127.0.0.1:10249",
        # The limits of connection tracking belong to the machine, not to this network.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }
    _PROXY_CONFIG.write_text(json.dumps(config), encoding="utf-8")
    return [plan.executables["kube-proxy"], f"--config={_PROXY_CONFIG}"]
