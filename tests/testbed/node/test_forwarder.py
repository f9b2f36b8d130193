"""Connections that are led to another network, here to the same one."""

from __future__ import annotations

import socket
import threading

from testbed.node import forwarder


def _echo(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        while block := connection.recv(1 << 16):
            connection.sendall(block)


def test_bytes_pass_both_ways_and_the_end_of_one_side_reaches_the_other() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_echo, args=(server,), daemon=True).start()
        listener = socket.create_server(("127.0.0.1", 0))
        address = listener.getsockname()
        forwarder.serve(listener, *server.getsockname())
        with socket.create_connection(address, timeout=10) as client:
            client.sendall(b"x" * 200_000)
            received = b""
            while len(received) < 200_000:
                received += client.recv(1 << 16)
            assert received == b"x" * 200_000
            client.shutdown(socket.SHUT_WR)
            assert client.recv(1) == b""


def test_a_connection_to_nobody_is_closed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        nobody = unused.getsockname()
    listener = socket.create_server(("127.0.0.1", 0))
    address = listener.getsockname()
    forwarder.serve(listener, *nobody)
    with socket.create_connection(address, timeout=10) as client:
        assert client.recv(1) == b""
