"""A consumer that only listens: what it does with each connection is a function."""

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self

Fault = Callable[[socket.socket], None]


class Faulty:
    """A server that gives each connection, with its first bytes read, to ``fault``.

    The connections stay open until the end, if that does not close them.
    """

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/hooks"
        self.connections: list[socket.socket] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self.connections:
            connection.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError):
            connection.recv(65536)
            self.fault(connection)


def silent(_connection: socket.socket) -> None:
    """Never answer."""


def hangs_in_its_answer(connection: socket.socket) -> None:
    """Begin an answer, and go no further."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345")


def resets_in_its_answer(connection: socket.socket) -> None:
    """Begin an answer, and reset the connection."""
    hangs_in_its_answer(connection)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def closes(connection: socket.socket) -> None:
    """Close without an answer."""
    connection.shutdown(socket.SHUT_RDWR)


def speaks_no_http(connection: socket.socket) -> None:
    """Answer what is no HTTP."""
    connection.sendall(b"220 mail.example ESMTP\r\n\r\n")


def answers_a_status_of_its_own(connection: socket.socket) -> None:
    """Answer with a status that HTTP does not have."""
    connection.sendall(b"HTTP/1.1 999 Mine\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def names_no_content_type(connection: socket.socket) -> None:
    """Answer with a content type that is no text."""
    head = "HTTP/1.1 200 OK\r\nContent-Type: téxt/\u4e2d\r\nContent-Length: 2\r\n"
    connection.sendall(head.encode() + b"Connection: close\r\n\r\nok")


def answers_without_end(connection: socket.socket) -> None:
    """Answer headers for ever."""
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X-More: " + b"x" * 1000 + b"\r\n")


def once(connection: socket.socket) -> None:
    """Answer one request well, and close the connection at the next."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    connection.recv(65536)
    connection.close()
