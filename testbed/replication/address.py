"""One address that leads to the primary, as a Service whose selector follows it, and PgBouncer in front of it."""

from __future__ import annotations

import socket
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from testbed.backups import servers
from testbed.controlplane.ports import free_ports
from testbed.relay import Relay, relay
from testbed.replication.instances import DATABASE, SUPERUSER, Instance


@dataclass
class Address:
    """A port whose new connections go to an instance; those that exist stay where they are."""

    port: int
    _relay: Relay

    def lead_to(self, instance: Instance) -> None:
        """Send new connections to an instance."""
        self._relay.target = _place(instance)


@contextmanager
def address(target: Instance) -> Generator[Address]:
    """An address that leads to an instance, until it is told to lead to another."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    with relay(listener, _place(target)) as served:
        yield Address(port, served)


def _place(instance: Instance) -> tuple[str, int]:
    return ("127.0.0.1", instance.port)


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
