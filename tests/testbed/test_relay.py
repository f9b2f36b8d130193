"""Connections that are led on, here within one network."""

from __future__ import annotations

import socket
import threading

from testbed.relay import relay

_BYTES = 200_000


def _echo(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        while block := connection.recv(1 << 16):
            connection.sendall(block)


def test_bytes_pass_both_ways_and_the_end_of_one_side_reaches_the_other() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        echo = threading.Thread(target=_echo, args=(server,), daemon=True)
        echo.start()
        listener = socket.create_server(("127.0.0.1", 0))
        address = listener.getsockname()
        with relay(listener, server.getsockname()), socket.create_connection(address, timeout=10) as client:
            client.sendall(b"x" * _BYTES)
            received = b""
            while len(received) < _BYTES:
                received += client.recv(1 << 16)
            assert received == b"x" * _BYTES
            client.shutdown(socket.SHUT_WR)
            assert client.recv(1) == b""
        echo.join(10)


def test_a_connection_to_nobody_is_closed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        nobody = unused.getsockname()
    listener = socket.create_server(("127.0.0.1", 0))
    address = listener.getsockname()
    with relay(listener, nobody), socket.create_connection(address, timeout=10) as client:
        assert client.recv(1) == b""


def test_new_connections_follow_the_target_and_all_end_with_the_relay() -> None:
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
        listener = socket.create_server(("127.0.0.1", 0))
        address = listener.getsockname()
        with relay(listener, first.getsockname()) as served:
            client = socket.create_connection(address, timeout=10)
            one, _ = first.accept()
            served.target = second.getsockname()
            with socket.create_connection(address, timeout=10):
                other, _ = second.accept()
        with client, one, other:
            assert client.recv(1) == b""
            assert one.recv(1) == b""
            assert other.recv(1) == b""
