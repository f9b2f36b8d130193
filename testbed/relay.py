"""Leads the connections of a port on to a server, of another network or of a choice that changes.

A socket belongs to the network in which it was made: a listener of the network outside, accepted on inside, leads in.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

_BLOCK = 1 << 16
_CONNECT_SECONDS = 30
_END_SECONDS = 60


@dataclass
class Relay:
    """A listener whose new connections go to a server; those that exist stay where they are."""

    listener: socket.socket
    target: tuple[str, int]
    """Host and port of the server."""
    _open: set[socket.socket] = field(default_factory=set[socket.socket])

    def serve(self) -> None:
        """Accept connections until the listener is shut down."""
        leading: list[threading.Thread] = []
        with suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                thread = threading.Thread(target=self._lead, args=(connection, self.target), daemon=True)
                thread.start()
                leading = [*(one for one in leading if one.is_alive()), thread]
        for thread in leading:
            thread.join(_END_SECONDS)

    def end(self) -> None:
        """Shut the listener and every connection down, which ends `serve`."""
        for one in (self.listener, *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _lead(self, connection: socket.socket, target: tuple[str, int]) -> None:
        with connection:
            try:
                server = socket.create_connection(target, timeout=_CONNECT_SECONDS)
            except OSError:
                # The server does not listen yet, or no more: the caller sees its connection closed.
                return
            with server:
                server.settimeout(None)
                both = {connection, server}
                self._open |= both
                back = threading.Thread(target=_copy, args=(server, connection), daemon=True)
                back.start()
                _copy(connection, server)
                back.join()
                self._open -= both


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while block := source.recv(_BLOCK):
            target.sendall(block)
    # The other direction may still have something to say.
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextmanager
def relay(listener: socket.socket, target: tuple[str, int]) -> Generator[Relay]:
    """A relay that serves until the end of the block and closes the listener."""
    served = Relay(listener, target)
    thread = threading.Thread(target=served.serve, name="relay", daemon=True)
    with listener:
        thread.start()
        try:
            yield served
        finally:
            served.end()
            thread.join(_END_SECONDS)
