"""An event loop in a thread, so that callbacks are forwarded under a WSGI server too."""

import asyncio
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

from exporter.ledger import Ledger
from exporter.web.onward import Forwarded, Forwarding, Head
from exporter.web.receiver import Refused, Verified

if TYPE_CHECKING:
    from exporter.web.forwarding import Forwarder


class Background:
    """A forwarder for threads; it begins with the first callback, after any fork."""

    def __init__(self, forwarding: Forwarding, ledger: Ledger) -> None:
        """``ledger`` gets what is counted."""
        self.pseudonym = forwarding.pseudonym
        self._forwarding = forwarding
        self._ledger = ledger
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._forwarder: Forwarder

    def start(
        self, taken: Verified | Refused, head: Head, body: bytes
    ) -> Future[Forwarded | None]:
        """Begin to forward a callback; the result is None if no consumer is to have it."""
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, daemon=True).start()
                asyncio.run_coroutine_threadsafe(self._begin(), self._loop).result()
        return asyncio.run_coroutine_threadsafe(self._forward(taken, head, body), self._loop)

    async def _begin(self) -> None:
        # Takes 10 MiB, which only those have to give who forward.
        from exporter.web.forwarding import Forwarder  # noqa: PLC0415

        self._forwarder = Forwarder(self._forwarding, self._ledger.tally)

    async def _forward(
        self, taken: Verified | Refused, head: Head, body: bytes
    ) -> Forwarded | None:
        future = self._forwarder.start(taken, head, body)
        return await future if future else None
