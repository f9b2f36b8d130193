"""Build the parts, look which are built, or run a control plane by hand.

python -m tests.controlplane build [names...]   names are parts, or `all`; none means the control plane's own
python -m tests.controlplane status
python -m tests.controlplane run [--version 1.36] [--directory DIR]
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from contextlib import nullcontext, suppress
from pathlib import Path

from tests.controlplane import parts
from tests.controlplane.building import BuildError, ensure
from tests.controlplane.rig import ControlPlane, NotBuiltError
from tests.controlplane.toolchain import ToolchainError


def main(arguments: list[str] | None = None) -> int:
    """Run one command; what the user can mend is one line instead of a traceback."""
    chosen = _parser().parse_args(arguments)
    try:
        return chosen.command(chosen)
    except (parts.UnknownPartError, BuildError, NotBuiltError, ToolchainError) as error:
        print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.controlplane", description="The loopback control plane of the tests."
    )
    commands = parser.add_subparsers(required=True)
    build = commands.add_parser("build", help="build parts that are not built yet")
    build.add_argument("names", nargs="*", help="parts, or `all`; default: what the control plane itself needs")
    build.set_defaults(command=_build)
    status = commands.add_parser("status", help="list the parts and whether they are built")
    status.set_defaults(command=_status)
    run = commands.add_parser("run", help="run a control plane until Ctrl-C")
    run.add_argument("--version", help="Kubernetes version or minor (default: K8S_VERSION, else the pinned default)")
    run.add_argument("--directory", type=Path, help="where it keeps its files (default: a temporary directory)")
    run.set_defaults(command=_run)
    return parser


def _build(chosen: argparse.Namespace) -> int:
    names = list(parts.catalogue()) if "all" in chosen.names else chosen.names
    for name, path in ensure(*names, log=_say).items():
        print(f"{name:24} {path}")
    return 0


def _status(_: argparse.Namespace) -> int:
    default = parts.kubernetes()
    for part in parts.catalogue().values():
        note = " (default)" if part.name == default.name else ""
        print(f"{part.name:24} {part.version:36} {part.output if part.is_built else 'not built'}{note}")
    return 0


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
