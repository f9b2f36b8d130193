"""Outside the namespaces: makes them, and removes all traces of them when whoever wanted them is gone, however it went.

python -m testbed.node.keeper PLAN

The starter holds the other end of standard input and never writes; the kernel closes it with the starter, also after
SIGKILL. Prints the id of the namespaces' process 1.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from testbed.node import cgroups
from testbed.node.layout import Plan

_LOOK_SECONDS = 0.5


def main(path: str) -> int:
    """Run until the starter or the cluster ends; returns the cluster's status."""
    # Ctrl-C in a terminal reaches the whole group; the starter decides when it is over.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    plan = Plan.load(path)
    for number in range(1, plan.nodes + 1):
        cgroups.create(plan.cgroup_of(number))
    try:
        return _run(plan, path)
    finally:
        cgroups.remove(f"{plan.cgroup}-")
        for directory in plan.bulk:
            shutil.rmtree(directory, ignore_errors=True)


def _run(plan: Plan, path: str) -> int:
    # A process of the namespaces has no way out of this one's death: they end together.
    unshare = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    with (plan.logs / "namespaces.log").open("ab") as log:
        process = subprocess.Popen(
            [*unshare, sys.executable, "-m", "testbed.node.init", path],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(plan.listener,),
        )
    os.close(plan.listener)
    try:
        print(_child(process), flush=True)
        while process.poll() is None:
            if select.select([sys.stdin], [], [], _LOOK_SECONDS)[0]:
                return 0
        return process.returncode
    finally:
        _end(process)


def _child(process: subprocess.Popen[bytes]) -> int:
    """The id of the namespaces' process 1, once it is there."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while process.poll() is None:
        if found := children.read_text(encoding="ascii").split():
            return int(found[0])
        time.sleep(0.01)
    raise RuntimeError("the namespaces could not be made: see logs/namespaces.log")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill process 1; the kernel then ends every process of its namespace before its parent hears of it."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.kill(_child(process), signal.SIGKILL)
        process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
