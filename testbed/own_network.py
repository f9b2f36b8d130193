"""A network of the tests' own, with nothing in it but a loopback: for servers that listen on every address.

python -m testbed.own_network PROGRAM [ARGUMENT ...]     run it with the loopback up; what `command` puts in front
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys

MARKER = "own_network"
_SET_FLAGS, _UP = 0x8914, 0x41
"""SIOCSIFFLAGS, IFF_UP and IFF_RUNNING of Linux."""


def isolated() -> bool:
    """Whether this process has a network of its own."""
    return [name for _, name in socket.if_nameindex()] == ["lo"]


def command(*words: str) -> list[str]:
    """What runs a program in a network of its own, as the user that asks."""
    # Others than root get the right to it inside a user namespace, in which they stay who they are.
    user = [] if os.geteuid() == 0 else ["--user", "--map-current-user", "--keep-caps"]
    return ["unshare", *user, "--net", sys.executable, "-m", "testbed.own_network", *words]


def lack() -> str | None:
    """Why there can be no such network here, if so."""
    if isolated():
        return None
    if shutil.which("unshare") is None:
        return "no unshare on PATH: it is part of util-linux"
    done = subprocess.run(command("true"), capture_output=True, text=True, check=False, timeout=60)
    return f"this machine does not let it: {done.stderr.strip()}" if done.returncode else None


def main() -> None:
    """Bring the loopback up and become the program."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sH14x", b"lo", _UP))
    os.execvp(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
