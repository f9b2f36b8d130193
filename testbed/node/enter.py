"""A node's first step: its control groups, then namespaces of its own, in which it goes on.

python -m testbed.node.enter PLAN NUMBER
"""

from __future__ import annotations

import os
import sys

from testbed.node import cgroups
from testbed.node.layout import Plan


def main(plan: str, number: str) -> None:
    """Become the node; does not return."""
    cgroups.enter(Plan.load(plan).cgroup_of(int(number)))
    program = [sys.executable, "-m", "testbed.node.machine", plan, number]
    command = ["unshare", "--net", "--mount", "--uts", "--ipc", "--cgroup", *program]
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(*sys.argv[1:])
