"""HTTP on the event loop: uvicorn's protocol, with the limits that it lacks.

Nobody can hold up others for long.  A connection has a time for its first byte, a request one for
head and body together, a head has a size, and a worker a number of connections.  What is not HTTP
gets a bare status that repeats nothing of it.
"""

import asyncio
import ssl
import time
from math import inf
from typing import Any, Final, TypeAlias

import structlog
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState
from uvloop.loop import SSLProtocol  # type: ignore[attr-defined]

from exporter.web.throttle import LineThrottle

SILENT_SECONDS: Final = 10.0
"""How long a new connection may send nothing."""

REQUEST_SECONDS: Final = 20.0
"""How long head and body of a request may take together, or a client that stopped reading."""

LAST_SECONDS: Final = 10.0
"""The same at the end, so that the worker ends by itself before it is ended."""

MORE_CONNECTIONS: Final = 64
"""How many more there may be while all the others wait for our answers."""

LONGEST_HEAD: Final = 65_536
"""Bytes of a request's line and headers."""

log = structlog.get_logger()

AnyConnection: TypeAlias = "HttpProtocol | Handshake"


class Connections:
    """The open connections of one listener: how many there may be, and when each is overdue."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: set[AnyConnection] = set()
        self.lines: Final = LineThrottle("http.refused")

    def add(self, connection: AnyConnection) -> None:
        """Take a new connection; if there are too many, cut the one that we wait for longest.

        So those who send slowly, or nothing, make room for those who send.
        """
        if len(self._open) >= self._most:
            waited_for = [one for one in self._open if one.deadline < inf]
            if waited_for or len(self._open) >= self._most + MORE_CONNECTIONS:
                longest = min(waited_for, key=lambda one: one.since, default=connection)
                self.cut(longest, "too_many_connections")
        if not connection.transport.is_closing():
            self._open.add(connection)

    def remove(self, connection: AnyConnection) -> None:
        """Forget a connection that is closed."""
        self._open.discard(connection)

    def sweep(self, now: float) -> None:
        """Cut the connections whose deadline (of the loop's clock) is past."""
        for connection in [one for one in self._open if one.deadline < now]:
            connection.transport.abort()
            self.remove(connection)

    def cut(self, connection: AnyConnection, reason: str) -> None:
        """Cut a connection, and log why."""
        self.refused(reason)
        connection.transport.abort()
        self.remove(connection)

    def refused(self, reason: str) -> None:
        """Log that a connection or a request was refused: never with a word of its sender."""
        now = time.time()
        if self.lines.admits(reason, now):
            self.lines.summarise(now)
            log.warning("http.refused", reason=reason)


class HttpProtocol(HttpToolsProtocol):
    """One connection of a listener."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        application: Any,
        connections: Connections,
    ) -> None:
        super().__init__(config, server_state, {})
        self.app = application
        self.deadline = inf
        self.since = 0.0
        self.idle = True
        self.handshake: Handshake | None = None
        self._open = connections
        self._requests = 0
        self._head_bytes: int | None = None
        self._ending = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first byte."""
        super().connection_made(transport)
        self._wait(SILENT_SECONDS)
        if self.handshake:
            self._open.remove(self.handshake)
        self._open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        super().connection_lost(exc)
        self._open.remove(self)

    def data_received(self, data: bytes) -> None:
        """Parse what came, and see that a head does not grow without end."""
        before, number = self._head_bytes, self._requests
        super().data_received(data)
        if before is not None and self._head_bytes is not None and number == self._requests:
            self._head_bytes += len(data)
            if self._head_bytes > LONGEST_HEAD:
                self._refuse(431, "head_too_large")

    def on_message_begin(self) -> None:
        """Begin a request: it has its time now."""
        super().on_message_begin()
        self.idle = False
        self._wait(REQUEST_SECONDS)
        self._head_bytes = 0
        self._requests += 1

    def on_headers_complete(self) -> None:
        """Hand the request to the application; its body may still be on the way."""
        self._head_bytes = None
        super().on_headers_complete()
        if self._ending:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        """Wait for our own answer, or, if it was given before all was read, for more."""
        super().on_message_complete()
        self.deadline = inf
        if self.cycle.response_complete:
            self._rest()

    def on_response_complete(self) -> None:
        """Go on with the next request, or wait for one; ``sweep`` is its timer."""
        self.server_state.total_requests += 1
        if not self.transport.is_closing():
            self.flow.resume_reading()
            if self.pipeline:
                self._start_asgi_task(*self.pipeline.pop())
        if self.deadline is inf and self.cycle.response_complete:
            self._rest()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP."""
        del msg
        self._refuse(400, "malformed_http")

    def shutdown(self) -> None:
        """End an idle connection; a request that has begun is still answered."""
        self._ending = True
        if self.idle:
            self.transport.close()
            return
        self.deadline = min(self.deadline, self.loop.time() + LAST_SECONDS)
        if self.cycle is not None:
            self.cycle.keep_alive = False

    def pause_writing(self) -> None:
        """Give a client that does not read its answer a time for it."""
        super().pause_writing()
        self._wait(REQUEST_SECONDS)

    def resume_writing(self) -> None:
        """Go on with an answer."""
        super().resume_writing()
        self.deadline = inf

    def _rest(self) -> None:
        self.idle = True
        self._wait(self.timeout_keep_alive)

    def _wait(self, seconds: float) -> None:
        """Wait for the client, from now on, for so long."""
        self.since = self.loop.time()
        self.deadline = self.since + seconds

    def _refuse(self, status: int, reason: str) -> None:
        """Answer with a bare status and close, but never in the middle of another answer."""
        self._open.refused(reason)
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete and not cycle.more_body:
            cycle.keep_alive = False  # pipelined behind a good request, which is answered first
            self.flow.pause_reading()
            return
        head = b"connection: close\r\ncontent-length: 0\r\n\r\n"
        self.transport.write(STATUS_LINE[status] + head)
        self.transport.close()


class Handshake(SSLProtocol):  # type: ignore[misc]  # uvloop's types leave it out
    """A connection whose TLS handshake goes on: it counts, and has a deadline, like others.

    The loop's own servers show a connection when its handshake is over, so silent ones would
    use up all files.  This is the class that they use.
    """

    deadline = inf
    since = 0.0
    transport: asyncio.Transport

    def __init__(
        self, context: ssl.SSLContext, connection: HttpProtocol, connections: Connections
    ) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(loop, connection, context, None, server_side=True)
        connection.handshake = self
        self._open = connections

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Begin."""
        self.transport = transport
        self.since = asyncio.get_running_loop().time()
        self.deadline = self.since + SILENT_SECONDS
        super().connection_made(transport)
        self._open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """End: the whole connection."""
        self._open.remove(self)
        super().connection_lost(exc)
