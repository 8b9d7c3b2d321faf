"""A consumer for the demonstration: takes callbacks, and fails for a minute now and then.

``python -m exporter.demo.consumer PORT``.  It answers ``GET /`` with what it took and refused.
"""

import signal
import sys
import threading
import time
from typing import Final

import orjson

from exporter.demo.serving import Handler, serve_until_sigterm

FIRST_SECONDS: Final = 120.0
"""When it fails for the first time after its start."""

EVERY_SECONDS: Final = 300.0
FAILING_SECONDS: Final = 60.0

_SIGNATURE: Final = ("t", "sign")


def fails(seconds: float) -> bool:
    """Return whether it fails so many seconds after its start."""
    return seconds >= FIRST_SECONDS and (seconds - FIRST_SECONDS) % EVERY_SECONDS < FAILING_SECONDS


class Inbox:
    """What the consumer has: each callback once, however often it came."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._different: set[int] = set()
        self._taken = 0
        self._refused = 0

    def take(self, body: bytes) -> bool:
        """Keep a callback, unless it is a minute in which we fail."""
        packet = orjson.loads(body)
        lasting = {name: packet[name] for name in packet if name not in _SIGNATURE}
        with self._lock:
            if fails(time.monotonic() - self._began):
                self._refused += 1
                return False
            self._taken += 1
            self._different.add(hash(orjson.dumps(lasting, option=orjson.OPT_SORT_KEYS)))
            return True

    def document(self) -> bytes:
        """Return the numbers as JSON."""
        with self._lock:
            numbers = {"different": len(self._different), "taken": self._taken}
            return orjson.dumps(numbers | {"refused": self._refused})


def serve(port: int) -> None:
    """Serve until SIGTERM."""
    inbox = Inbox()

    class Consumer(Handler):
        def get(self) -> None:
            self.answer(200, inbox.document())

        def post(self, body: bytes) -> None:
            time.sleep(0.005)  # as if it did something
            if inbox.take(body):
                self.answer(200, b'{"code":0}')
            else:
                self.answer(500, b"the consumer fails for a minute\n")

    serve_until_sigterm(port, Consumer)


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    serve(int(sys.argv[1]))
