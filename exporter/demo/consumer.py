"""A consumer for the demonstration: takes callbacks, and fails for a minute now and then.

``python -m exporter.demo.consumer PORT``.  It answers ``GET /`` with what it took and refused.
"""

import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

import orjson

from exporter.demo.programs import HOST

FIRST_SECONDS: Final = 120.0
"""When it fails for the first time after its start."""

EVERY_SECONDS: Final = 300.0
FAILING_SECONDS: Final = 60.0

_OF_THE_DELIVERY: Final = ("t", "sign")


def fails(seconds: float) -> bool:
    """Return whether it fails so many seconds after its start."""
    return seconds >= FIRST_SECONDS and (seconds - FIRST_SECONDS) % EVERY_SECONDS < FAILING_SECONDS


class Taken:
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
        lasting = {name: packet[name] for name in packet if name not in _OF_THE_DELIVERY}
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
    taken = Taken()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(200, taken.document())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            time.sleep(0.005)  # as if it did something
            if taken.take(body):
                self._answer(200, b'{"code":0}')
            else:
                self._answer(500, b"the consumer fails for a minute\n")

        def log_message(self, *_: object) -> None:
            pass

        def _answer(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer((HOST, port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    signal.sigwait({signal.SIGTERM})


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    serve(int(sys.argv[1]))
