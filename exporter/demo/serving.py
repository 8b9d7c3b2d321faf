"""How the demonstration's own services speak HTTP."""

import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from exporter.demo.programs import HOST


class Handler(BaseHTTPRequestHandler):
    """A request, which is not logged."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body are two writes

    def get(self) -> None:
        """Answer a GET."""
        raise NotImplementedError

    def post(self, body: bytes) -> None:
        """Answer a POST."""
        raise NotImplementedError

    def do_GET(self) -> None:
        """Take a GET."""
        self.get()

    def do_POST(self) -> None:
        """Take a POST, and its body."""
        self.post(self.rfile.read(int(self.headers["Content-Length"])))

    def answer(self, status: int, content: bytes) -> None:
        """Answer the request: with a JSON object, or text for people."""
        self.send_response(status)
        kind = "application/json" if content[:1] == b"{" else "text/plain"
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def serve_until_sigterm(port: int, handler: type[Handler]) -> None:
    """Serve on the loopback interface; the caller has blocked SIGTERM, for all threads."""
    server = ThreadingHTTPServer((HOST, port), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    signal.sigwait({signal.SIGTERM})
