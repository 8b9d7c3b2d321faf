"""Certificates, and a daemon that serves with one."""

import http.client
import ssl
import subprocess
from pathlib import Path

from werkzeug.datastructures import Headers

from support.daemon import Answer, Daemon
from support.programs import program


def make(directory: Path, name: str) -> tuple[Path, Path]:
    """Make a certificate of its own and its key."""
    certificate, key = directory / f"{name}.crt", directory / f"{name}.key"
    subprocess.run(
        [
            *(program("openssl"), "req", "-x509", "-nodes", "-subj", "/CN=css.example.com"),
            *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-keyout", key, "-out", certificate, "-days", "30"),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key


def trusting(certificate: Path) -> ssl.SSLContext:
    """Return what a client needs that trusts one certificate, whatever its name."""
    context = ssl.create_default_context(cafile=certificate)
    context.check_hostname = False
    return context


class SecureDaemon(Daemon):
    """A daemon with TLS on both listeners; ``certificate`` is what clients trust."""

    def __init__(self, data_dir: Path, pair: tuple[Path, Path]) -> None:
        self.certificate, key = pair
        super().__init__(data_dir, tls_certfile=self.certificate, tls_keyfile=key)

    def ask(
        self, port: int, method: str, path: str, body: bytes | None = None, timeout: float = 20
    ) -> Answer:
        """Send one request to a listener.  Raises ``OSError``, also for another certificate."""
        connection = http.client.HTTPSConnection(
            "127.0.0.1", port, timeout=timeout, context=trusting(self.certificate)
        )
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            return Answer(response.status, response.read(), Headers(response.getheaders()))
        finally:
            connection.close()

    def answers(self) -> bool:
        assert self.process
        assert self.process.poll() is None, self.log.read_text()
        try:
            return self.ask(self.public_port, "GET", "/-/healthy", timeout=2).status == 200
        except OSError:
            return False
