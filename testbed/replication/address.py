"""One address that leads to the primary, as a Service whose selector follows it, and PgBouncer in front of it."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from testbed.backups import servers
from testbed.controlplane.ports import free_ports
from testbed.replication.instances import DATABASE, SUPERUSER, Instance

_BLOCK = 1 << 16


@dataclass
class Address:
    """A port whose new connections go to an instance; those that exist stay where they are."""

    target: Instance
    port: int

    async def serve(self, ended: asyncio.Event) -> None:
        """Lead connections on until the event is set."""
        server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        async with server:
            await ended.wait()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.target.port)
        except OSError:
            writer.close()
            return
        both = [asyncio.ensure_future(_copy(reader, back)), asyncio.ensure_future(_copy(there, writer))]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for end in (back, writer):
            end.close()
        await asyncio.wait(both)


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while block := await source.read(_BLOCK):
            target.write(block)
            await target.drain()


@contextmanager
def address(target: Instance) -> Generator[Address]:
    """An address that leads to an instance, until another is set as its target."""
    served = Address(target, free_ports(1)[0])
    loop = asyncio.new_event_loop()
    ended = asyncio.Event()

    def lead() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(served.serve(ended))

    thread = threading.Thread(target=lead, name="address", daemon=True)
    thread.start()
    try:
        servers.until(lambda: _listens(served.port), "the address")
        yield served
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(servers.START_SECONDS)


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@contextmanager
def pooler(behind: Address, parameters: dict[str, str]) -> Generator[int]:
    """PgBouncer in transaction mode before an address; gives its port."""
    servers.needs("pgbouncer")
    port = free_ports(1)[0]
    settings = {
        "listen_addr": "127.0.0.1",
        "listen_port": str(port),
        "unix_socket_dir": "",
        "auth_type": "any",
        "pool_mode": "transaction",
        **parameters,
    }
    lines = [
        "[databases]",
        f"{DATABASE} = host=127.0.0.1 port={behind.port} user={SUPERUSER}",
        "[pgbouncer]",
        *(f"{key} = {value}" for key, value in settings.items()),
    ]
    with servers.place() as directory:
        configuration = directory / "pgbouncer.ini"
        configuration.write_text("\n".join(lines) + "\n", encoding="utf-8")
        servers.hand_over(configuration, 0o440)
        with servers.running(["pgbouncer", str(configuration)], {}, directory / "log"):
            servers.until(lambda: _listens(port), "PgBouncer")
            yield port
