"""Addresses of a group's pods on loopback, and the name service that HAProxy asks."""

from __future__ import annotations

import random
import socket
import struct
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

DOMAIN = "archesai.svc.cluster.local"
_A, _NAME_ERROR = 1, 3


def addresses(count: int) -> list[str]:
    """Loopback addresses that no other test has, so that all servers may keep the ports of their pods."""
    chosen = random.SystemRandom()
    network = f"127.{chosen.randint(64, 250)}.{chosen.randint(1, 250)}"
    return [f"{network}.{number}" for number in range(10, 10 + count)]


def nss_wrapper() -> str | None:
    """The library that answers a program's questions for host names from a file."""
    return next((str(path) for path in Path("/usr/lib").glob("*/libnss_wrapper.so")), None)


@contextmanager
def name_service(address: str, names: Mapping[str, str]) -> Generator[int]:
    """Answers questions for IPv4 addresses at a port of an address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((address, 0))
        thread = threading.Thread(target=_serve, args=(server, names), daemon=True)
        thread.start()
        port: int = server.getsockname()[1]
        try:
            yield port
        finally:
            # A closed socket does not wake up who reads from it.
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.sendto(b"", (address, port))
            thread.join(10)


def _serve(server: socket.socket, names: Mapping[str, str]) -> None:
    while True:
        question, client = server.recvfrom(4096)
        if not question:
            return
        server.sendto(_answer(question, names), client)


def _answer(question: bytes, names: Mapping[str, str]) -> bytes:
    """One answer as RFC 1035 has it: the question again, then the address where there is one."""
    labels: list[str] = []
    position = 12
    while length := question[position]:
        labels.append(question[position + 1 : position + 1 + length].decode())
        position += 1 + length
    end = position + 5
    (kind,) = struct.unpack("!H", question[position + 1 : position + 3])
    address = names.get(".".join(labels))
    found = address is not None and kind == _A
    flags = 0x8580 if address is not None else 0x8580 | _NAME_ERROR
    header = question[:2] + struct.pack("!HHHHH", flags, 1, 1 if found else 0, 0, 0)
    record = struct.pack("!HHHIH", 0xC00C, _A, 1, 1, 4) + socket.inet_aton(address) if found and address else b""
    return header + question[12:end] + record
