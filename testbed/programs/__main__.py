"""Build the programs that tests run, or look which are built.

python -m testbed.programs build [names...]   names are parts, or `all`; none means the control plane's own
python -m testbed.programs status
"""

from __future__ import annotations

import argparse
import sys

from testbed.programs import parts
from testbed.programs.building import BuildError, ensure
from testbed.programs.toolchain import ToolchainError


def main(arguments: list[str] | None = None) -> int:
    """Run one command; an expected failure is one line instead of a traceback."""
    chosen = _parser().parse_args(arguments)
    try:
        return chosen.command(chosen)
    except (parts.UnknownPartError, BuildError, ToolchainError) as error:
        print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m testbed.programs", description="The programs that tests run.")
    commands = parser.add_subparsers(required=True)
    build = commands.add_parser("build", help="build parts that are not built yet")
    build.add_argument("names", nargs="*", help="parts, or `all`; default: what the control plane itself needs")
    build.set_defaults(command=_build)
    status = commands.add_parser("status", help="list the parts and whether they are built")
    status.set_defaults(command=_status)
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


def _say(line: str) -> None:
    # A build log is watched while it grows, also through a pipe.
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
