"""A TCP proxy on the loopback interface whose network can be cut."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from itertools import cycle
from typing import Self

from support.programs import free_port


class Proxy:
    """Forwards connections to ports in turn.

    ``silent``: nothing is forwarded or answered, as where packets are dropped.
    ``at_commit``: what happens to the next COMMIT after a statement with ``writing`` in it.
    ``lose_answer``: it is forwarded, and the connection breaks when the server has answered;
    ``lose``: it is not forwarded, and the connection breaks; ``swallow``: it is not, and all
    is ``silent``.
    """

    def __init__(self, *ports: int) -> None:
        self.targets(*ports)
        self.port = free_port()
        self.silent = False
        self.writing = b""
        self.at_commit = ""
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._listener: socket.socket | None = None

    def __enter__(self) -> Self:
        self.restore()
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()

    def targets(self, *ports: int) -> None:
        """Forward new connections to these ports in turn."""
        self._targets = cycle(ports)

    def restore(self) -> None:
        """Take connections, and forward."""
        self.silent = False
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
            self._start(self._accept, self._listener)

    def cut(self) -> None:
        """Break all connections and take no more."""
        if self._listener:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        self.break_all()

    def break_all(self) -> None:
        """Break all connections; new ones are taken."""
        with self._lock:
            sockets, self._sockets = self._sockets, set()
        for one in sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                self._sockets.add(client)
            self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", next(self._targets)), timeout=5)
        except OSError:
            client.close()
            return
        server.settimeout(None)
        with self._lock:
            self._sockets.add(server)
        muted, armed = threading.Event(), False
        self._start(self._answer, server, client, muted)
        with suppress(OSError):
            while data := client.recv(65536):
                armed = armed or bool(self.at_commit and self.writing in data)
                if armed and b"COMMIT" in data:
                    armed, action, self.at_commit = False, self.at_commit, ""
                    if action == "lose":
                        break
                    if action == "lose_answer":
                        muted.set()
                    self.silent = action == "swallow"
                if not self.silent:
                    server.sendall(data)
        self._end(client, server)

    def _answer(
        self, server: socket.socket, client: socket.socket, muted: threading.Event
    ) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                if muted.is_set():
                    break
                if not self.silent:
                    client.sendall(data)
        self._end(client, server)

    def _end(self, *sockets: socket.socket) -> None:
        if self.silent:  # an end is a packet too
            return
        for one in sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _start(self, function: Callable[..., None], *arguments: object) -> None:
        threading.Thread(target=function, args=arguments, daemon=True).start()
