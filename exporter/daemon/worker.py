"""The worker: threads for two listeners, none of which anybody can hold up for long.

The listener is told by the accepted socket's own address, never by ``SERVER_PORT`` or
``Host``, which a client chooses.
"""

import logging
import math
import selectors
import socket
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.http.errors import (
    ChunkMissingTerminator,
    ExpectationFailed,
    InvalidChunkExtension,
    InvalidChunkSize,
    LimitRequestHeaders,
    UnsupportedTransferCoding,
)
from gunicorn.workers.gthread import _DEFER, TConn, ThreadWorker

from exporter.web.limit import LineLimit

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from exporter.ledger import Ledger
    from exporter.web.callbacks import Receiver

REQUEST_SECONDS: Final = 20.0
"""The longest that a request may keep a thread: a slow sender must not starve the others."""

LAST_SECONDS: Final = 10.0
"""The same at the end, so that the worker ends by itself before it is ended."""

FIRST_BYTE_SECONDS: Final = 0.01
"""How long a thread waits for a new connection's request; later the poller waits for it."""

SILENT_SECONDS: Final = 10.0
"""How long the poller waits for a new connection's request."""

PRIVATE_THREADS: Final = 4
"""Threads of the private listener: whoever looks is answered while callbacks queue."""

_STATUS: Final[dict[type[Exception], str]] = {
    ExpectationFailed: "417 Expectation Failed",
    LimitRequestHeaders: "431 Request Header Fields Too Large",
    UnsupportedTransferCoding: "501 Not Implemented",
}
_ANSWER: Final = "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Worker(ThreadWorker):
    """A threaded worker that serves the two applications of its server."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ledger: Ledger | None = None
        self.receiver: Receiver | None = None
        self._private_pool = ThreadPoolExecutor(PRIVATE_THREADS)
        self._accepting_from: set[socket.socket] = set()
        self._deadlines: dict[TConn, float] = {}

    def load_wsgi(self) -> None:
        """Build both applications: after the fork, once."""
        _, private_socket = self.sockets
        self._private_address = private_socket.getsockname()
        self.ledger, self.receiver, public, private = self.app.applications()
        self.wsgi = by_listener(self._private_address, public=public, private=private)

    def summarise(self, now: float = math.inf) -> None:
        """Log how many lines were left out of the log; without ``now`` all of them."""
        if self.receiver:
            self.receiver.summarise(now)
        self.log.limit.summarise(now)

    def enqueue_req(self, conn: TConn) -> None:
        """Give a connection to the threads of its listener."""
        pool = self._private_pool if conn.server == self._private_address else self.tpool
        future = pool.submit(self.handle, conn)
        future.add_done_callback(
            lambda done: self.method_queue.defer(self.finish_request, conn, done)
        )

    def handle(self, conn: TConn) -> Any:
        """Handle a request, with a deadline, and those that were read together with it.

        Beyond a body that nobody wanted (of a refusal) gunicorn may have read the beginning
        of the next request.  The poller would wait for it, and the client for its answer.
        """
        try:
            kept = self._handle_one(conn)
            while kept is True and self.alive and conn.parser.unreader.buf.getvalue().strip():
                kept = self._handle_one(conn)
            return kept
        finally:
            self._deadlines.pop(conn, None)

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: Exception) -> None:
        """Answer what is no HTTP with a bare status, echoing nothing."""
        del req, addr
        if type(exc).__module__.startswith("gunicorn.http") or isinstance(exc, OSError):
            status = _STATUS.get(type(exc), "400 Bad Request")
            self.log.warning("Invalid request: %s", type(exc).__name__)
        else:
            status = "500 Internal Server Error"
            self.log.error("Error handling request", exc_info=exc)
        with suppress(OSError):
            client.sendall(_ANSWER.format(status=status).encode())

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Wait for events, never so long that a deadline is missed."""
        super().wait_for_and_dispatch_events(min(timeout, 1.0))

    def murder_pending(self) -> None:
        """Cut connections that sent nothing, and those whose request takes too long."""
        self.summarise(time.time())
        now = time.monotonic()
        for conn in self.pending_conns:
            conn.timeout = min(conn.timeout, now + SILENT_SECONDS)
        super().murder_pending()
        for conn, deadline in list(self._deadlines.items()):
            if deadline < now:
                self._cut(conn)

    def set_accept_enabled(self, enabled: bool) -> None:
        """Accept or not; with too many connections no callbacks, at the end nothing.

        At the end idle connections are closed too, so as not to wait for them.
        """
        public, private = self.sockets
        for listener, accept in ((public, enabled), (private, self.alive)):
            if accept and listener not in self._accepting_from:
                listener.setblocking(False)
                self.poller.register(listener, selectors.EVENT_READ, self.accept)
                self._accepting_from.add(listener)
            elif not accept and listener in self._accepting_from:
                self.poller.unregister(listener)
                self._accepting_from.remove(listener)
        self._accepting = enabled
        if not self.alive:
            self._hurry()

    def _hurry(self) -> None:
        for conn in (*self.keepalived_conns, *self.pending_conns):
            conn.timeout = 0.0
        self.murder_keepalived()
        self.murder_pending()
        last = time.monotonic() + LAST_SECONDS
        for conn, deadline in list(self._deadlines.items()):
            self._deadlines[conn] = min(deadline, last)

    def _handle_one(self, conn: TConn) -> Any:
        if not conn.initialized and not conn.wait_for_data(FIRST_BYTE_SECONDS):
            return _DEFER
        self._deadlines[conn] = time.monotonic() + REQUEST_SECONDS
        return super().handle(conn)

    @staticmethod
    def _cut(conn: TConn) -> None:
        with suppress(OSError):  # already closed
            # Not SSLSocket.shutdown, which another thread's read would not survive.
            socket.socket.shutdown(conn.sock, socket.SHUT_RDWR)


class GunicornLogger(Logger):
    """Gunicorn's logger, handing its lines to ours.

    What strangers can cause (bytes that are no HTTP) is limited like refusals.
    """

    def setup(self, cfg: Config) -> None:
        """Let the root logger do the writing."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True
        self.error_log.setLevel(logging.getLogger().level)
        self.limit = LineLimit("http.refused")

    def warning(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Log a warning, unless it is one too many about an invalid request."""
        if str(msg).startswith("Invalid request"):
            now = time.time()
            if not self.limit.admits("malformed_http", now):
                return
            self.limit.summarise(now)
        super().warning(msg, *args, **kwargs)

    def exception(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Log an exception without the URI that gunicorn puts in: a query may be secret.

        A body that is badly chunked is none of ours: no traceback.
        """
        error = sys.exc_info()[1]
        if isinstance(error, ChunkMissingTerminator | InvalidChunkExtension | InvalidChunkSize):
            self.warning(f"Invalid request: {type(error).__name__}")
            return
        if "%s" in str(msg):
            msg, args = "Error handling request", ()
        super().exception(msg, *args, **kwargs)


def by_listener(
    private_address: tuple[Any, ...], *, public: "WSGIApplication", private: "WSGIApplication"
) -> "WSGIApplication":
    """Return the application that serves each connection by the socket that accepted it."""
    host, port = private_address[:2]
    any_host = host in ("0.0.0.0", "::")

    def serve(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        own_host, own_port = environ["gunicorn.socket"].getsockname()[:2]
        is_private = own_port == port and (any_host or own_host == host)
        return (private if is_private else public)(environ, start_response)

    return serve
