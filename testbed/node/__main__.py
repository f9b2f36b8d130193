"""Run real nodes by hand until Ctrl-C.

python -m testbed.node run [--nodes N] [--images DIR] [--directory DIR]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from testbed import by_hand
from testbed.node.layout import MOST_NODES
from testbed.node.rig import Nodes, NodesError


def main(arguments: list[str] | None = None) -> int:
    """Run one command."""
    return by_hand.call(_parser(), arguments, (NodesError,))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m testbed.node", description="A cluster of real nodes.")
    commands = parser.add_subparsers(required=True)
    run = commands.add_parser("run", help="run a control plane and nodes until Ctrl-C")
    run.add_argument("--nodes", type=int, choices=range(1, MOST_NODES + 1), default=1, help="how many (default: 1)")
    run.add_argument("--images", type=Path, action="append", default=[], help="a directory of docker archives")
    run.add_argument("--directory", type=Path, help="where it keeps its files (default: a temporary directory)")
    run.set_defaults(command=_run)
    return parser


def _run(chosen: argparse.Namespace) -> int:
    images = [path.absolute() for path in chosen.images]
    return by_hand.run(
        lambda directory: Nodes(directory, nodes=chosen.nodes, images=images),
        lambda nodes: (
            f"{chosen.nodes} nodes run until Ctrl-C. To use them:",
            f"export KUBECONFIG={nodes.kubeconfig}",
            f"Their network: nsenter -t {nodes.pid} -n -m -p",
        ),
        directory=chosen.directory,
        prefix="nodes-",
    )


if __name__ == "__main__":
    sys.exit(main())
