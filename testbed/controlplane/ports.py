"""Free loopback ports."""

from __future__ import annotations

import random
import socket

# Below the range the kernel takes client ports from: one that is free now is not taken by a connection later.
_RANGE = range(20000, 30000)


def free_ports(count: int) -> list[int]:
    """So many different ports that nothing listens on."""
    candidates = iter(random.SystemRandom().sample(_RANGE, k=len(_RANGE)))
    found: list[int] = []
    while len(found) < count:
        port = next(candidates)
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if _bound(probe, port):
                found.append(port)
    return found


def _bound(probe: socket.socket, port: int) -> bool:
    try:
        probe.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True
