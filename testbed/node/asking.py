"""One question to a name server over UDP, asked in the network of whoever runs this.

python -m testbed.node.asking ADDRESS NAME

Prints `answered`, `refused` where nobody listens, or `dropped` where nothing comes back.
"""

from __future__ import annotations

import socket
import struct
import sys

_SECONDS = 2.0
_ATTEMPTS = 2
_PORT = 53


def ask(address: str, name: str) -> str:
    """What becomes of a question for the address of a name."""
    labels = b"".join(bytes([len(part)]) + part.encode("ascii") for part in name.split("."))
    # Identity 1, recursion desired, one question: type A, class IN.
    question = struct.pack(">HHHHHH", 1, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", 1, 1)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as connection:
        connection.settimeout(_SECONDS)
        connection.connect((address, _PORT))
        for _ in range(_ATTEMPTS):
            try:
                connection.send(question)
                connection.recv(512)
            except TimeoutError:
                continue
            except ConnectionRefusedError:
                return "refused"
            return "answered"
    return "dropped"


if __name__ == "__main__":
    print(ask(*sys.argv[1:]))
