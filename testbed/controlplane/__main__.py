"""Run a control plane by hand until Ctrl-C.

python -m testbed.controlplane run [--version 1.36] [--directory DIR]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from testbed import by_hand
from testbed.controlplane.rig import ControlPlane, NotBuiltError
from testbed.programs import parts


def main(arguments: list[str] | None = None) -> int:
    """Run one command."""
    return by_hand.call(_parser(), arguments, (parts.UnknownPartError, NotBuiltError))


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
    return by_hand.run(
        lambda directory: ControlPlane(directory, version=chosen.version),
        lambda rig: (
            f"Kubernetes {rig.version} is running until Ctrl-C. To use it:",
            f"export KUBECONFIG={rig.admin_kubeconfig}",
        ),
        directory=chosen.directory,
        prefix="control-plane-",
    )


if __name__ == "__main__":
    sys.exit(main())
