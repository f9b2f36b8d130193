"""A node: the machine that a kubelet believes to be on, in namespaces of its own.

python -m testbed.node.machine PLAN NUMBER
"""

from __future__ import annotations

import os
import socket
import sys
import time

from testbed.controlplane.processes import Processes
from testbed.controlplane.waiting import Probe, wait_for
from testbed.node import containerd, kubelet, layout, mounts, network, pod_network, policies
from testbed.node.layout import Plan

_START_SECONDS = 60
_LOOK_SECONDS = 1.0


def main(plan: Plan, number: int) -> None:
    """Run until a program of the node ends."""
    # The control plane's process plugs the network in between these two lines.
    print("ready to be connected", flush=True)
    sys.stdin.readline()
    socket.sethostname(layout.node_name(number))
    network.furnish_node(plan, number)
    mounts.furnish(plan.node_directory(number))
    processes = Processes(plan.logs / layout.node_name(number))
    start(plan, number, processes)
    while True:
        processes.check()
        time.sleep(_LOOK_SECONDS)


def start(plan: Plan, number: int, processes: Processes) -> None:
    """Start the node's programs, each when what it needs is there."""
    # containerd looks for its shim on PATH.
    path = f"{plan.executables['containerd'].parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path}
    policies.queue_packets(plan)
    processes.start("policy-table", policies.table_command(), env=environment)
    processes.start("containerd", containerd.command(plan), env=environment)
    containerd.write_network(pod_network.plugins(plan, number))
    _wait("containerd listens", processes, lambda: [] if containerd.SOCKET.exists() else ["no socket"])
    processes.start("kubelet", kubelet.command(plan, number), env=environment)
    processes.start("kube-proxy", pod_network.proxy_command(plan, number), env=environment)
    _wait("the policies' table is taken", processes, lambda: [] if policies.table_is_taken() else ["not yet"])
    judge = policies.command(plan, number)
    processes.start("kube-network-policies", judge, env=policies.environment(environment))


def _wait(what: str, processes: Processes, probe: Probe) -> None:
    def running() -> list[str]:
        processes.check()
        return list(probe())

    wait_for(what, running, seconds=_START_SECONDS)


if __name__ == "__main__":
    main(Plan.load(sys.argv[1]), int(sys.argv[2]))
