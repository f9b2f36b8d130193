"""Clients of a redis: one that writes what the test can check later, by the wire protocol."""

from __future__ import annotations

import secrets
import socket
import ssl
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

_PAGE = 500
_PAUSE = 0.002
"""Seconds between two writes of one writer, which leaves a small machine room for failovers."""


class RefusedError(Exception):
    """The server answered with an error."""


@dataclass(frozen=True)
class Tls:
    """What a client checks of a server."""

    authority: Path
    host: str
    """The name that the certificate must hold."""

    def over(self, plain: socket.socket) -> ssl.SSLSocket:
        """A connection by TLS; raises ssl.SSLError where authority or name do not fit."""
        context = ssl.create_default_context(cafile=str(self.authority))
        return context.wrap_socket(plain, server_hostname=self.host)


class Client:
    """One connection; raises OSError where it breaks and RefusedError for a command that is refused."""

    def __init__(self, address: str, port: int, password: str, user: str = "default", tls: Tls | None = None) -> None:
        plain = socket.create_connection((address, port), timeout=3)
        try:
            self._socket = tls.over(plain) if tls else plain
        except BaseException:
            plain.close()
            raise
        self._answers = self._socket.makefile("rb")
        try:
            self.call("AUTH", user, password)
        except BaseException:
            self.close()
            raise

    def call(self, *words: str) -> bytes:
        """The answer to a command, a simple one or a text."""
        self._socket.sendall(_packed(words))
        return self._read()

    def call_all(self, commands: Sequence[Sequence[str]]) -> list[bytes]:
        """The answers to many commands that are sent at once."""
        self._socket.sendall(b"".join(map(_packed, commands)))
        return [self._read() for _ in commands]

    def _read(self) -> bytes:
        line = self._answers.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionResetError("the server closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise RefusedError(rest.decode())
        if kind == b"$" and int(rest) >= 0:
            return self._answers.read(int(rest) + 2)[:-2]
        return rest

    def close(self) -> None:
        """End the connection."""
        self._answers.close()
        self._socket.close()


def _packed(words: Sequence[str]) -> bytes:
    parts = [word.encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


@dataclass
class Writes:
    """What writers sent and were promised."""

    address: str
    port: int
    password: str
    tls: Tls | None = None
    acknowledged: list[str] = field(default_factory=list[str])
    times: list[float] = field(default_factory=list[float])
    """When each acknowledgement came, in seconds of the monotonic clock."""
    _name: str = field(default_factory=lambda: secrets.token_hex(4))
    """No key of an earlier run hides a loss."""
    _ended: threading.Event = field(default_factory=threading.Event)

    def write(self, writer: int) -> None:
        """Set one key after another until the end, over new connections where one breaks."""
        number = 0
        while not self._ended.is_set():
            with suppress(OSError, RefusedError), closing(self._client()) as client:
                while not self._ended.is_set():
                    key = f"{self._name}:{writer}:{number}"
                    # One that is not acknowledged may have been written all the same.
                    number += 1
                    client.call("SET", key, "1")
                    self.acknowledged.append(key)
                    self.times.append(time.monotonic())
                    time.sleep(_PAUSE)
            self._ended.wait(0.05)

    def _client(self) -> Client:
        return Client(self.address, self.port, self.password, tls=self.tls)

    def end(self) -> None:
        """Let the writers finish."""
        self._ended.set()

    def gap(self) -> float:
        """Longest time without an acknowledgement, in seconds."""
        times = sorted(self.times)
        return max((after - before for before, after in pairwise(times)), default=0)

    def missing(self) -> list[str]:
        """Keys that were acknowledged and are not there, read behind the same address."""
        with closing(self._client()) as client:
            found: list[bytes] = []
            for first in range(0, len(self.acknowledged), _PAGE):
                found += client.call_all([("EXISTS", key) for key in self.acknowledged[first : first + _PAGE]])
        return [key for key, there in zip(self.acknowledged, found, strict=True) if there != b"1"]


@contextmanager
def writing(address: str, port: int, password: str, *, writers: int = 8, tls: Tls | None = None) -> Generator[Writes]:
    """Writers on an address until the end of the block."""
    writes = Writes(address, port, password, tls)
    threads = [threading.Thread(target=writes.write, args=(number,), daemon=True) for number in range(writers)]
    for thread in threads:
        thread.start()
    try:
        yield writes
    finally:
        writes.end()
        for thread in threads:
            thread.join(10)
