"""Starts the control plane and the nodes inside the namespaces, and ends when a server of the control plane does.

python -m testbed.node.supervisor PLAN
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import urllib3

from testbed.controlplane.api import Api, ApiError
from testbed.controlplane.processes import Processes
from testbed.controlplane.waiting import wait_for
from testbed.node import layout, network
from testbed.node.layout import Plan
from testbed.node.servers import apiserver, controller_manager, servers
from testbed.relay import Relay

_HEALTHY_SECONDS = 90
_LOOK_SECONDS = 1.0


def main(plan: Plan) -> None:
    """Start everything, then watch."""
    network.furnish_control_plane(plan)
    outside = Relay(socket.socket(fileno=plan.listener), (layout.API, layout.API_PORT))
    threading.Thread(target=outside.serve, name="relay", daemon=True).start()
    processes = Processes(plan.logs)
    registry = [sys.executable, "-m", "testbed.node.registry", layout.API, str(layout.REGISTRY_PORT), *plan.images]
    _start(processes, "registry", registry)
    _start(processes, "etcd", servers(plan).etcd())
    _start(processes, "kube-apiserver", apiserver(plan))
    _wait_healthy(plan, processes)
    _start(processes, "kube-controller-manager", controller_manager(plan))
    _start(processes, "kube-scheduler", servers(plan).scheduler())
    nodes = {number: start_node(plan, number) for number in range(1, plan.nodes + 1)}
    plan.pids.write_text(json.dumps({number: node.pid for number, node in nodes.items()}), encoding="utf-8")
    while True:
        processes.check()
        time.sleep(_LOOK_SECONDS)


def start_node(plan: Plan, number: int) -> subprocess.Popen[bytes]:
    """Start a node's first process, connect its network, and let it go on."""
    log = (plan.logs / f"{layout.node_name(number)}.log").open("ab")
    command = [sys.executable, "-m", "testbed.node.enter", str(plan.directory / "plan.json"), str(number)]
    node = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
    if node.stdin is None or node.stdout is None or not node.stdout.readline():
        raise RuntimeError(f"{layout.node_name(number)} did not start: see {log.name}")
    network.connect_node(plan, number, node.pid)
    node.stdin.write(b"connected\n")
    node.stdin.flush()
    return node


def _start(processes: Processes, name: str, command: Sequence[str | Path]) -> None:
    processes.start(name, command, env=os.environ)


def _wait_healthy(plan: Plan, processes: Processes) -> None:
    api = Api(layout.SERVER, plan.authority, plan.pair("admin"))

    def probe() -> list[str]:
        processes.check()
        try:
            api.request("GET", "/readyz")
        except (ApiError, urllib3.exceptions.HTTPError) as error:
            return [str(error)]
        return []

    wait_for("the API server is healthy", probe, seconds=_HEALTHY_SECONDS)
    api.close()


if __name__ == "__main__":
    main(Plan.load(sys.argv[1]))
