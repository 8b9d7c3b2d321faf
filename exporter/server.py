"""Gunicorn with two listeners and two applications, composed after the fork.

The listener is told by the accepted socket's own address, never by ``SERVER_PORT`` or
``Host``, which a client chooses.
"""

import logging
import os
import re
import signal
import socket
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from gunicorn.app.base import BaseApplication
from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.http.errors import (
    ChunkMissingTerminator,
    InvalidChunkExtension,
    InvalidChunkSize,
)
from gunicorn.workers.gthread import _DEFER, TConn, ThreadWorker

from exporter import callbacks, exposition, pages
from exporter.callbacks import Policy, Receiver
from exporter.keys import Keys
from exporter.ledger import Ledger, open_ledger
from exporter.logs import Limit
from exporter.settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

REQUEST_SECONDS: Final = 30.0
"""The longest that a request may keep a thread: a slow sender must not starve the others."""

FIRST_BYTE_SECONDS: Final = 0.01
"""How long a thread waits for a new connection's request; later the poller waits for it."""

KEEPALIVE_SECONDS: Final = 75
"""Longer than the idle time of common proxies, so that they close first."""

GRACEFUL_SECONDS: Final = 20

_SHARED_MEMORY: Final = "/dev/shm"  # noqa: S108 - gunicorn makes its files there safely


class Server(BaseApplication):
    """The daemon: one gunicorn, run by ``run()`` until a signal ends it."""

    def __init__(self, settings: Settings, keys: Keys) -> None:
        self.settings = settings
        self.keys = keys
        super().__init__()

    def load_config(self) -> None:
        """Turn our settings into gunicorn's."""
        settings = self.settings
        options = {
            # The order counts: Worker.load_wsgi relies on it.
            "bind": [str(settings.callback_listen), str(settings.metrics_listen)],
            "workers": settings.workers,
            "threads": settings.threads,
            "worker_class": Worker,
            "logger_class": GunicornLogger,
            "worker_exit": _close_worker,
            "keepalive": KEEPALIVE_SECONDS,
            "graceful_timeout": GRACEFUL_SECONDS,
            "timeout": 60,
            "certfile": settings.tls_certfile and str(settings.tls_certfile),
            "keyfile": settings.tls_keyfile and str(settings.tls_keyfile),
            # The workers' heartbeats: not held up by a slow disk, and on a root file system
            # that is read-only.
            "worker_tmp_dir": _SHARED_MEMORY if os.access(_SHARED_MEMORY, os.W_OK) else None,
            "proc_name": "css-exporter",
            # A client's headers must not become ours.
            "forwarded_allow_ips": "",
            "forwarder_headers": "",
            "control_socket_disable": True,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def run(self) -> None:
        """Serve until a signal ends it."""
        os.register_at_fork(
            before=_hold_sigterm,
            after_in_parent=_let_sigterm,
            after_in_child=_end_by_sigterm,
        )
        super().run()

    def load(self) -> "WSGIApplication":
        """Never called: Worker.load_wsgi composes, where the sockets are known."""
        raise NotImplementedError


# A new worker has the master's handlers until it has set up its own, and would be deaf to
# a SIGTERM that comes before; the master would wait for it until the graceful time is over.


def _hold_sigterm() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


def _let_sigterm() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def _end_by_sigterm() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _let_sigterm()


class Worker(ThreadWorker):
    """A threaded worker that composes the two applications and is not held up by anyone."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ledger: Ledger | None = None
        self._deadlines: dict[TConn, float] = {}

    def load_wsgi(self) -> None:
        """Open the ledger and build both applications: after the fork, once."""
        server: Server = self.app
        self.ledger = open_ledger(server.settings.ledger_url, server.settings.ledger_limits)
        public, private = compose(server.settings, server.keys, self.ledger)
        _, private_socket = self.sockets
        self.wsgi = by_listener(private_socket.getsockname(), public=public, private=private)

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

    def _handle_one(self, conn: TConn) -> Any:
        if not conn.initialized and not conn.wait_for_data(FIRST_BYTE_SECONDS):
            return _DEFER
        self._deadlines[conn] = time.monotonic() + REQUEST_SECONDS
        return super().handle(conn)

    def murder_pending(self) -> None:
        """Cut connections that sent nothing, and those whose request takes too long."""
        super().murder_pending()
        now = time.monotonic()
        for conn, deadline in list(self._deadlines.items()):
            if deadline < now:
                self._cut(conn)

    def set_accept_enabled(self, enabled: bool) -> None:
        """Stop accepting; at the end also close idle connections, not to wait for them."""
        super().set_accept_enabled(enabled)
        if not self.alive:
            for idle in (self.keepalived_conns, self.pending_conns):
                for conn in idle:
                    conn.timeout = 0.0
            self.murder_keepalived()
            self.murder_pending()

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
        self._limit = Limit("http.refused")

    def warning(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Log a warning, unless it is one too many about an invalid request."""
        if str(msg).startswith("Invalid request"):
            if not self._limit.admits("malformed_http"):
                return
            # What is wrong, without the line that it quotes: a query may be secret.
            msg = re.split("['\"]", str(msg), maxsplit=1)[0].rstrip(": ")
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


def compose(
    settings: Settings, keys: Keys, ledger: Ledger
) -> "tuple[WSGIApplication, WSGIApplication]":
    """Return the public and the private application."""
    policy = Policy(
        path=settings.callback_path,
        max_body_bytes=settings.max_body_bytes,
        tolerance_seconds=settings.signature_tolerance_seconds,
        accept_unsigned=frozenset(settings.accept_unsigned),
        log_user_ip=settings.log_user_ip,
    )
    token = settings.metrics_token
    view = exposition.View(
        new_series_zero_seconds=settings.new_series_zero_seconds,
        created_series=settings.created_series,
        metrics_token=token.get_secret_value() if token else None,
        callback_keys=len(keys.keyring),
    )
    public = callbacks.create_app(Receiver(ledger, keys.keyring, policy))
    private = exposition.create_app(ledger, view)
    private.register_blueprint(pages.blueprint(ledger, _reception(settings, keys)))
    return public, private


def _reception(settings: Settings, keys: Keys) -> pages.Reception:
    return pages.Reception(
        scheme="https" if settings.tls_certfile else "http",
        port=settings.callback_listen.port,
        path=settings.callback_path,
        general_keys=len(keys.keyring.general),
        keys_by_domain={domain: len(own) for domain, own in keys.keyring.by_domain.items()},
        key_file=str(keys.generated) if keys.generated else None,
        accept_unsigned=settings.accept_unsigned,
        max_sources=settings.max_sources,
    )


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


def _close_worker(_server: Any, worker: Worker) -> None:
    if worker.ledger:
        worker.ledger.close()
