"""Commands on a terminal of a given width."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

COMMAND_SECONDS = 120


def on_terminal(*words: str, columns: int, directory: Path, color: bool) -> str:
    """What `arches` prints on a terminal, both streams, with the codes of its colours."""
    terminal, other = pty.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    variables = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LINES")}
    variables |= {"TERM": "xterm-256color"} | ({} if color else {"NO_COLOR": "1"})
    process = subprocess.Popen(
        [sys.executable, "-c", "from archesai_infra.cli.app import main; main()", *words],
        cwd=directory,
        env=variables,
        stdin=other,
        stdout=other,
        stderr=other,
    )
    os.close(other)
    output = b""
    while part := _read(terminal):
        output += part
    process.wait(COMMAND_SECONDS)
    os.close(terminal)
    return output.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    """The next piece; nothing at the end, which Linux reports as an error."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""
