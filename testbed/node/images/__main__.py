"""Make the images that are not made yet.

python -m testbed.node.images [names...]   none named means all; prints each archive with the image's names
"""

from __future__ import annotations

import argparse
import sys

from testbed.node.images.archive import tags
from testbed.node.images.building import ensure
from testbed.node.images.catalogue import UnknownImageError
from testbed.node.images.packages import PackageError
from testbed.programs.building import BuildError
from testbed.programs.toolchain import ToolchainError


def main(arguments: list[str] | None = None) -> int:
    """Run the command; an expected failure is one line instead of a traceback."""
    parser = argparse.ArgumentParser(prog="python -m testbed.node.images", description="The images that tests run.")
    parser.add_argument("names", nargs="*", help="images; default: all")
    chosen = parser.parse_args(arguments)
    try:
        directory = ensure(_print, *chosen.names)
    except (UnknownImageError, PackageError, BuildError, ToolchainError) as error:
        print(error, file=sys.stderr)
        return 1
    for archive in sorted(directory.glob("*.tar")):
        print(f"{archive}  {' '.join(tags(archive))}")
    return 0


def _print(line: str) -> None:
    # The log is watched while it grows, also through a pipe.
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
