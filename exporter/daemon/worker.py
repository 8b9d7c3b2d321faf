"""The worker: an event loop for two listeners, each with an application of its own."""

import asyncio
import gc
import logging
import resource
import socket
import time
from math import inf
from typing import TYPE_CHECKING, Any, Final, cast

from a2wsgi import WSGIMiddleware
from gunicorn.config import Config as GunicornConfig
from gunicorn.glogging import Logger
from uvicorn.config import Config
from uvicorn.server import Server
from uvicorn_worker import UvicornWorker

from exporter.daemon.callbacks import CallbackProtocol
from exporter.daemon.protocol import Connections, Handshake, HttpProtocol
from exporter.web.lane import Application, Lane

if TYPE_CHECKING:
    from exporter.daemon.composition import Composition
    from exporter.web.forwarding import Forwarder

THREADS: Final = 4
"""Threads of each Flask application; callbacks need none."""

SWEEP_SECONDS: Final = 0.5
LAST_SECONDS: Final = 15

SPARE_FILES: Final = 128
"""Descriptors that are not for callbacks: the ledger's files, logs, the other listener."""

MOST_FILES: Final = 16_384
"""As many as a worker asks for; an idle connection costs some kilobytes."""

PRIVATE_CONNECTIONS: Final = 64


class Worker(UvicornWorker):
    """A gunicorn worker that serves the two applications of its server on one event loop."""

    CONFIG_KWARGS: Final = {
        "loop": "uvloop",
        "http": HttpProtocol,
        "ws": "none",
        "lifespan": "off",
        "interface": "asgi3",
        "proxy_headers": False,
        "server_header": False,
        "access_log": False,
        "timeout_graceful_shutdown": LAST_SECONDS,
    }

    def load_wsgi(self) -> None:
        """Open the ledger and build the applications: after the fork, once."""
        self.wsgi = None
        self.composition: Composition = self.app.compose()

    async def _serve(self) -> None:
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
        logging.getLogger("uvicorn.error").propagate = True
        self._install_sigquit_handler()
        await LoopServer(self.config, self.composition).serve(self.sockets)


class LoopServer(Server):
    """What serves a worker's sockets: the public one first, then the private one."""

    def __init__(self, config: Config, composition: "Composition") -> None:
        super().__init__(config)
        self._composition = composition
        self._connections: list[Connections] = []
        self._forwarder: Forwarder | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen: a connection is known by the socket that accepted it, not by what it says."""
        assert sockets is not None  # noqa: S101 - gunicorn has bound them
        composition = self._composition
        spare = SPARE_FILES
        if composition.forwarding:
            # Takes 10 MiB, which only those have to give who forward.
            from exporter.web.forwarding import CONNECTIONS, Forwarder  # noqa: PLC0415

            self._forwarder = Forwarder(composition.forwarding, composition.ledger.tally)
            spare += CONNECTIONS * len(composition.forwarding.consumers)
        lane = Lane(composition.receiver, _threaded(composition.public), self._forwarder)
        most_public = _most_connections(spare)
        self.servers = [
            await self._listen(sockets[0], CallbackProtocol, lane, most_public),
            await self._listen(
                sockets[1], HttpProtocol, _threaded(composition.private), PRIVATE_CONNECTIONS
            ),
        ]
        self._sweep()
        if composition.reconciliation:
            composition.reconciliation.start()
        gc.collect()
        gc.freeze()  # what lives for ever needs no look
        gc.set_threshold(20_000, 20, 50)
        self.started = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what is in flight, then commit what is left and let go of the ledger."""
        await super().shutdown(sockets)
        if self._forwarder:
            await self._forwarder.close()
        if reconciliation := self._composition.reconciliation:
            await asyncio.to_thread(reconciliation.stop)
        await asyncio.to_thread(self._composition.ledger.close)
        self._summarise(inf)
        self._captured_signals.clear()  # uvicorn would end the process by them

    async def _listen(
        self, listener: socket.socket, kind: type[HttpProtocol], application: Any, most: int
    ) -> asyncio.Server:
        connections = Connections(most)
        self._connections.append(connections)
        context = self.config.ssl

        def connected() -> asyncio.Protocol:
            one = kind(self.config, self.server_state, application, connections)
            return Handshake(context, one, connections) if context else one

        return await asyncio.get_running_loop().create_server(
            connected, sock=listener, backlog=self.config.backlog
        )

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        for connections in self._connections:
            connections.sweep(loop.time())
        self._summarise(time.time())
        loop.call_later(SWEEP_SECONDS, self._sweep)

    def _summarise(self, now: float) -> None:
        """Log how many lines were left out."""
        self._composition.receiver.summarise(now)
        for connections in self._connections:
            connections.lines.summarise(now)


class GunicornLogger(Logger):
    """Gunicorn's logger, handing its lines to ours."""

    def setup(self, cfg: GunicornConfig) -> None:
        """Let the root logger do the writing."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True
        self.error_log.setLevel(logging.getLogger().level)


def _threaded(application: Any) -> Application:
    return cast("Application", WSGIMiddleware(application, workers=THREADS))


def _most_connections(spare: int) -> int:
    """Raise the limit of open files, and return how many public connections fit in."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return max(SPARE_FILES, max(soft, most) - spare)
