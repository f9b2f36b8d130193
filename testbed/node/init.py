"""Process 1 of a cluster's namespaces: starts the supervisor, reaps orphans, and takes everything with it at the end.

python -m testbed.node.init PLAN
"""

from __future__ import annotations

import os
import sys


def main(plan: str) -> int:
    """Run until the supervisor ends; returns its status."""
    supervisor = os.fork()
    if supervisor == 0:
        command = [sys.executable, "-m", "testbed.node.supervisor", plan]
        os.execv(command[0], command)
    while True:
        process, status = os.wait()
        if process == supervisor:
            return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
