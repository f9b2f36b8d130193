"""Run real nodes by hand until Ctrl-C.

python -m testbed.node run [--nodes N] [--images DIR] [--directory DIR]
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from contextlib import nullcontext, suppress
from pathlib import Path

from testbed.node.layout import MOST_NODES
from testbed.node.rig import Nodes, NodesError


def main(arguments: list[str] | None = None) -> int:
    """Run one command; an expected failure is one line instead of a traceback."""
    chosen = _parser().parse_args(arguments)
    try:
        return chosen.command(chosen)
    except NodesError as error:
        print(error, file=sys.stderr)
        return 1


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
    # A shell's `kill` ends it as properly as Ctrl-C, also where the shell made a background job ignore the latter.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    place = nullcontext(chosen.directory) if chosen.directory else tempfile.TemporaryDirectory(prefix="nodes-")
    images = [path.absolute() for path in chosen.images]
    with place as directory, Nodes(Path(directory), nodes=chosen.nodes, images=images) as nodes:
        _say(f"{chosen.nodes} nodes run until Ctrl-C. To use them:")
        _say(f"export KUBECONFIG={nodes.kubeconfig}")
        _say(f"Their network: nsenter -t {nodes.pid} -n -m -p")
        with suppress(KeyboardInterrupt):
            signal.pause()
    return 0


def _say(line: str) -> None:
    # Somebody may wait for the line at the other end of a pipe.
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
