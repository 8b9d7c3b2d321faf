"""What the simulator makes of receivers that answer oddly, late, or not at all."""

import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.commands import css_exporter, started
from support.packets import KEY
from support.programs import free_port, program, until

from exporter.sending.connection import CallbackConnection, CallbackUrl
from exporter.sending.requests import CallbackAnswer, CallbackRequest

REQUEST = CallbackRequest(b'{"event_type":1}')
Serve = Callable[..., str]


@pytest.fixture
def receiver() -> Iterator[Serve]:
    """Return a function that serves raw answers, one a connection, and returns its URL."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)

        def serve(*answers: bytes) -> str:
            def run() -> None:
                for answer in answers:
                    connection, _ = server.accept()
                    with connection:
                        connection.settimeout(20)
                        received = b""
                        while not received.endswith(REQUEST.body):
                            received += connection.recv(65536)
                        connection.sendall(answer)

            # A daemon: a test that asks less often than it said fails by itself.
            threading.Thread(target=run, daemon=True).start()
            return f"http://127.0.0.1:{server.getsockname()[1]}/callback"

        yield serve


def http(status: str, body: bytes = b"", *headers: str) -> bytes:
    """Return an answer's bytes; the connection ends with it."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


@pytest.mark.parametrize(
    ("raw", "expected", "lost"),
    [
        (http("200 OK", b'{"code":0}'), CallbackAnswer(200), False),
        (http("200 OK"), CallbackAnswer(200), False),
        (http("403 Forbidden", b'{"reason":"expired"}'), CallbackAnswer(403, "expired"), False),
        (
            http("503 Service Unavailable", b'{"reason":"ledger_unavailable"}'),
            CallbackAnswer(503, "ledger_unavailable"),
            True,
        ),
        (http("502 Bad Gateway", b"<h1>oh"), CallbackAnswer(502, "HTTP 502 Bad Gateway"), True),
        (http("204 No Content"), CallbackAnswer(204, "HTTP 204 No Content"), True),
        (http("302 Found", b"", "Location: /"), CallbackAnswer(302, "HTTP 302 Found"), True),
        (
            http("403 Forbidden", b'{"reason":["x"]}'),
            CallbackAnswer(403, "HTTP 403 Forbidden"),
            True,
        ),
        (http("403 Forbidden", b'{"reason":"bored"}'), CallbackAnswer(403, "bored"), True),
    ],
)
def test_answers(receiver: Serve, raw: bytes, expected: CallbackAnswer, lost: bool) -> None:
    """Only 200 is success; a refusal in the exporter's own words is certain, others are not."""
    answer = CallbackConnection(CallbackUrl.of(receiver(raw))).send(REQUEST)
    assert answer == expected
    assert answer.lost == lost


@pytest.mark.parametrize("raw", [b"", b"HTTP/1.1 2", b"\x16\x03\x01nonsense\r\n"])
def test_broken_answers_are_lost(receiver: Serve, raw: bytes) -> None:
    """A callback whose answer broke off may have been recorded; the next one connects anew."""
    connection = CallbackConnection(CallbackUrl.of(receiver(raw, http("200 OK"))))
    answer = connection.send(REQUEST)
    assert (answer.status, answer.sent, answer.lost) == (None, True, True)
    assert answer.reason
    assert connection.send(REQUEST) == CallbackAnswer(200)


def test_nobody_there() -> None:
    """Without a connection nothing can have been recorded."""
    answer = CallbackConnection(CallbackUrl.of(f"http://127.0.0.1:{free_port()}/")).send(REQUEST)
    assert answer == CallbackAnswer(reason="Connection refused", sent=False)
    assert not answer.lost


def test_over_tls(tmp_path: Path) -> None:
    """Callbacks and --check go over TLS, to a certificate that is trusted and to no other."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [
            *(program("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-keyout", key, "-out", certificate, "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
        ],
        check=True,
        capture_output=True,
    )
    public, private = free_port(), free_port()
    exporter = started(
        *("serve", "--callback-listen", f"127.0.0.1:{public}", "--callback-keys", KEY),
        *("--metrics-listen", f"127.0.0.1:{private}", "--data-dir", tmp_path / "data"),
        *("--tls-certfile", certificate, "--tls-keyfile", key),
        quiet=True,
    )
    try:
        trusted = ssl.create_default_context(cafile=str(certificate))

        def answers() -> bool:
            try:
                with socket.create_connection(("127.0.0.1", private), 2) as plain:
                    trusted.wrap_socket(plain, server_hostname="127.0.0.1").close()
            except OSError:
                return False
            return True

        until(answers, "the exporter answers")
        flags = (
            *("simulate", "--url", f"https://127.0.0.1:{public}/callback", "--key", KEY),
            *("--duration", 1, "--rate", 10, "--time-scale", 1000),
        )
        check = ("--check", f"https://127.0.0.1:{private}")
        ran = css_exporter(*flags, *check, variables={"SSL_CERT_FILE": str(certificate)})
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert "exactly what was sent" in ran.stdout
        untrusted = css_exporter(*flags)
        assert untrusted.returncode == 1
        assert "certificate verify failed" in untrusted.stdout
    finally:
        exporter.terminate()
        exporter.wait(30)
