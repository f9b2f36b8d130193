"""What a person starts from a terminal and uses until Ctrl-C."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import TypeVar

Started = TypeVar("Started")


def call(parser: argparse.ArgumentParser, arguments: Sequence[str] | None, errors: tuple[type[Exception], ...]) -> int:
    """Run the chosen command and return its status; an expected error is one line instead of a traceback."""
    chosen = parser.parse_args(arguments)
    try:
        return chosen.command(chosen)
    except errors as error:
        print(error, file=sys.stderr)
        return 1


def run(
    start: Callable[[Path], AbstractContextManager[Started]],
    lines: Callable[[Started], Iterable[str]],
    *,
    directory: Path | None,
    prefix: str,
) -> int:
    """Start something, print how it is used, and wait for Ctrl-C.

    Args:
        start: Makes what is started, in a directory.
        lines: What to print once it runs.
        directory: Where it keeps its files; a temporary directory without.
        prefix: Beginning of the temporary directory's name.
    """
    # A shell's `kill` ends it as properly as Ctrl-C, also where the shell made a background job ignore the latter.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    place = nullcontext(directory) if directory else tempfile.TemporaryDirectory(prefix=prefix)
    with place as path, start(Path(path)) as started:
        for line in lines(started):
            # Somebody may wait for the line at the other end of a pipe.
            print(line, flush=True)
        with suppress(KeyboardInterrupt):
            signal.pause()
    return 0
