"""The nginx example, run in front of a real daemon."""

import http.client
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest
from support.daemon import Answer, Daemon, Start, request
from support.expositions import DUPLICATES, PUSHES
from support.nginx import nginx, replaced
from support.packets import body_of, packet
from support.programs import free_port, program, until
from support.repository import ROOT
from werkzeug.datastructures import Headers

from exporter.daemon.server import KEEPALIVE_SECONDS
from exporter.daemon.settings import Settings

EXAMPLES = ROOT / "deploy" / "nginx"
NAME = "callbacks.example.com"


class Certificate(NamedTuple):
    """A certificate that signs itself, and its key."""

    chain: Path
    key: Path


class Front(NamedTuple):
    """Nginx with TLS in front of a daemon."""

    exporter: Daemon
    port: int
    trust: ssl.SSLContext

    def connect(self) -> ssl.SSLSocket:
        """Connect, and check the certificate against the public name."""
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        return self.trust.wrap_socket(plain, server_hostname=NAME)

    def request(self, method: str, path: str, body: bytes | None = None) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.sock = self.connect()
        try:
            connection.request(method, path, body, {"Host": NAME})
            response = connection.getresponse()
            return Answer(response.status, response.read(), Headers(response.getheaders()))
        finally:
            connection.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    directory = tmp_path_factory.mktemp("tls")
    made = Certificate(directory / "fullchain.pem", directory / "privkey.pem")
    subprocess.run(
        [
            *(program("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"),
            *("-out", made.chain, "-keyout", made.key),
        ],
        check=True,
        capture_output=True,
    )
    return made


@pytest.fixture
def front(
    tmp_path: Path, daemon: Start, certificate: Certificate
) -> Iterator[Callable[..., Front]]:
    """Return a function that starts the TLS example, with words in it replaced."""
    with ExitStack() as stack:

        def start(
            in_site: dict[str, str] | None = None, in_proxy: dict[str, str] | None = None
        ) -> Front:
            exporter = daemon()
            port = free_port()
            proxy = tmp_path / "css-exporter-proxy.conf"
            site = replaced(
                (EXAMPLES / "css-exporter.conf").read_text(),
                {
                    "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
                    "    listen [::]:443 ssl;\n": "",
                    "127.0.0.1:8080": f"127.0.0.1:{exporter.public_port}",
                    "/etc/nginx/tls/fullchain.pem": str(certificate.chain),
                    "/etc/nginx/tls/privkey.pem": str(certificate.key),
                    "/etc/nginx/css-exporter-proxy.conf": str(proxy),
                    **(in_site or {}),
                },
            )
            shipped = (EXAMPLES / "css-exporter-proxy.conf").read_text()
            proxy.write_text(replaced(shipped, in_proxy or {}))
            stack.enter_context(nginx(tmp_path, f"events {{}}\nhttp {{\n{site}\n}}"))
            started = Front(exporter, port, ssl.create_default_context(cafile=certificate.chain))
            until(lambda: accepts(started), "nginx accepts")
            return started

        yield start


def accepts(front: Front) -> bool:
    try:
        front.connect().close()
    except OSError:
        return False
    return True


def push() -> bytes:
    return body_of(packet("push"))


def test_tls_ends_at_nginx(front: Callable[..., Front]) -> None:
    """A callback over TLS is counted, at the callback path and below it."""
    proxied = front()
    assert proxied.request("POST", "/callback", push()).json == {"code": 0}
    assert proxied.request("POST", "/callback/push?x=1", push()).json == {"code": 0}
    found = proxied.exporter.metrics()
    assert (found[PUSHES], found[DUPLICATES]) == (1, 1)


def test_nothing_else_passes(front: Callable[..., Front]) -> None:
    """Other paths end at nginx: the exporter sees no request."""
    proxied = front()
    for path in ("/", "/metrics", "/-/healthy", "/-/ready", "/callbacks", "/callback/../metrics"):
        answer = proxied.request("GET", path)
        assert (path, answer.status, b"nginx" in answer.body) == (path, 404, True)


def test_body_limit(front: Callable[..., Front]) -> None:
    """The longest body that the exporter takes passes; one byte more is refused by nginx."""
    proxied = front()
    longest = Settings().max_body_bytes
    body = push().ljust(longest)
    assert proxied.request("POST", "/callback", body).json == {"code": 0}
    refused = proxied.request("POST", "/callback", body + b" ")
    assert (refused.status, b"nginx" in refused.body) == (413, True)


def test_slow_senders_stay_at_nginx(front: Callable[..., Front]) -> None:
    """Unfinished requests do not reach the exporter."""
    proxied = front()
    with ExitStack() as stack:
        for _ in range(40):
            slow = stack.enter_context(proxied.connect())
            slow.sendall(b"POST /callback HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n{")
        assert proxied.request("POST", "/callback", push()).status == 200
        assert request(proxied.exporter.public_port, "GET", "/-/healthy").status == 200


def test_rate_limit(front: Callable[..., Front]) -> None:
    """A flood from one address is refused with 429 and does not reach the exporter."""
    proxied = front({"rate=500r/s": "rate=1r/m"}, {"burst=2000": "burst=4"})
    statuses = [proxied.request("POST", "/callback", push()).status for _ in range(8)]
    assert statuses == [200] * 5 + [429] * 3
    found = proxied.exporter.metrics()
    assert found[PUSHES] + found[DUPLICATES] == 5


def test_nginx_closes_idle_connections_first() -> None:
    """The exporter keeps a connection longer than nginx's default of 60 s."""
    assert KEEPALIVE_SECONDS > 60
