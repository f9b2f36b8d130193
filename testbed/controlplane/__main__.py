"""Run a control plane by hand until Ctrl-C.

python -m testbed.controlplane run [--version 1.36] [--directory DIR]
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from contextlib import nullcontext, suppress
from pathlib import Path

from testbed.controlplane.rig import ControlPlane, NotBuiltError
from testbed.programs import parts


def main(arguments: list[str] | None = None) -> int:
    """Run one command; an expected failure is one line instead of a traceback."""
    chosen = _parser().parse_args(arguments)
    try:
        return chosen.command(chosen)
    except (parts.UnknownPartError, NotBuiltError) as error:
        print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m testbed.controlplane", description="The loopback control plane of the tests."
    )
    commands = parser.add_subparsers(required=True)
    run = commands.add_parser("run", help="run a control plane until Ctrl-C")
    run.add_argument("--version", help="Kubernetes version or minor (default: K8S_VERSION, else the pinned default)")
    run.add_argument("--directory", type=Path, help="where it keeps its files (default: a temporary directory)")
    run.set_defaults(command=_run)
    return parser


def _run(chosen: argparse.Namespace) -> int:
    # A shell's `kill` ends it as properly as Ctrl-C, also where the shell made a background job ignore the latter.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    place = nullcontext(chosen.directory) if chosen.directory else tempfile.TemporaryDirectory(prefix="control-plane-")
    with place as directory, ControlPlane(Path(directory), version=chosen.version) as rig:
        _say(f"Kubernetes {rig.version} is running until Ctrl-C. To use it:")
        _say(f"export KUBECONFIG={rig.admin_kubeconfig}")
        with suppress(KeyboardInterrupt):
            signal.pause()
    return 0


def _say(line: str) -> None:
    # A build log is watched while it grows, also through a pipe.
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
