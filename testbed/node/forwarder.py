"""Connections from outside the namespaces to a server inside.

A socket belongs to the network in which it was made: one that listens outside and is accepted on inside leads in.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import suppress

_BLOCK = 1 << 16


def serve(listener: socket.socket, address: str, port: int) -> None:
    """Lead each connection to the listener to that address, in a thread that ends with the process."""
    threading.Thread(target=asyncio.run, args=(_serve(listener, address, port),), name="forwarder", daemon=True).start()


async def _serve(listener: socket.socket, address: str, port: int) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection(address, port)
        except OSError:
            # The server does not listen yet, or no more: the caller sees its connection closed.
            writer.close()
            return
        await asyncio.gather(_copy(reader, back), _copy(there, writer))
        for end in (back, writer):
            end.close()

    server = await asyncio.start_server(connected, sock=listener)
    await server.serve_forever()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while block := await source.read(_BLOCK):
            target.write(block)
            await target.drain()
        # The other direction may still have something to say.
        target.write_eof()
