"""TLS as clients see it: requests however records cut them, and a certificate that is renewed."""

import os
import shutil
import signal
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import orjson
import pytest
from support import raw
from support.packets import packet, signed
from support.programs import until
from support.tls import SecureDaemon, make, trusting

PUSHES = 'tencent_css_callbacks_total{event="push"}'


@pytest.fixture
def exporter(tmp_path: Path) -> Iterator[SecureDaemon]:
    """Return a daemon with a certificate of its own."""
    with SecureDaemon(tmp_path / "data", make(tmp_path, "own")) as daemon:
        yield daemon


def push(number: int) -> bytes:
    """Return the bytes of a callback."""
    return raw.post("/callback", orjson.dumps(signed(packet("push", sequence=str(number)))))


def connected(exporter: SecureDaemon) -> ssl.SSLSocket:
    """Return a connection to the public listener."""
    plain = socket.create_connection(("127.0.0.1", exporter.public_port), 20)
    return trusting(exporter.certificate).wrap_socket(plain)


def accepted(connection: ssl.SSLSocket, number: int) -> bool:
    """Return whether so many requests are answered, each with 200."""
    received = b""
    while received.count(b'{"code":') < number:
        some = connection.recv(65536)
        assert some, received
        received += some
    return received.count(b"HTTP/1.1 200 OK") == received.count(b'{"code":0}') == number


def counted(exporter: SecureDaemon) -> float:
    """Return how many pushes were counted."""
    page = exporter.ask(exporter.private_port, "GET", "/metrics").body.decode()
    [line] = [line for line in page.splitlines() if line.startswith(f"{PUSHES} ")]
    return float(line.split()[1])


def test_both_listeners_speak_tls(exporter: SecureDaemon) -> None:
    """Callbacks and metrics go over TLS, and what speaks none is cut off without a traceback."""
    body = orjson.dumps(signed(packet("push")))
    assert exporter.ask(exporter.public_port, "POST", "/callback", body).status == 200
    assert counted(exporter) == 1
    for port in (exporter.public_port, exporter.private_port):
        assert b"200" not in raw.send(port, b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
    assert counted(exporter) == 1
    assert "Traceback" not in exporter.log.read_text()


@pytest.mark.parametrize("records", ["together", "apart", "in the body", "byte by byte"])
def test_requests_end_where_records_end(exporter: SecureDaemon, records: str) -> None:
    """Two requests are answered, whether a record holds both, one, or ends in one's middle."""
    first, second = push(1), push(2)
    cut = len(first) - 20
    parts = {
        "together": [first + second],
        "apart": [first, second],
        "in the body": [first[:cut], first[cut:] + second],
        "byte by byte": [bytes([byte]) for byte in first] + [second],
    }[records]
    with closing(connected(exporter)) as connection:
        for part in parts:
            connection.sendall(part)  # a record each
        assert accepted(connection, 2)
    assert counted(exporter) == 2


def test_a_largest_record_is_answered(exporter: SecureDaemon) -> None:
    """Many requests fill records of 16,384 bytes to the last, and all are answered."""
    many = b"".join(push(number) for number in range(100))
    with closing(connected(exporter)) as connection:
        for start in range(0, len(many), 16_384):
            connection.sendall(many[start : start + 16_384])
        assert accepted(connection, 100)
    assert counted(exporter) == 100


def replace(exporter: SecureDaemon, pair: tuple[Path, Path]) -> None:
    """Put another pair in the place of the one in use, as those who renew it do."""
    for new, name in zip(pair, ("tls_certfile", "tls_keyfile"), strict=True):
        shutil.copy(new, exporter.settings[name])


def test_a_renewed_certificate_comes_with_sighup(exporter: SecureDaemon, tmp_path: Path) -> None:
    """New connections get it on both listeners, nobody is refused meanwhile, counts go on."""
    assert exporter.process
    body = orjson.dumps(signed(packet("push")))
    assert exporter.ask(exporter.public_port, "POST", "/callback", body).status == 200
    [worker] = exporter.workers()
    renewed, key = make(tmp_path, "renewed")
    replace(exporter, (renewed, key))
    exporter.process.send_signal(signal.SIGHUP)
    until(lambda: worker not in exporter.workers() and exporter.workers(), "a new worker")
    exporter.certificate = renewed
    until(exporter.answers, "the new certificate")
    assert counted(exporter) == 1
    body = orjson.dumps(signed(packet("push", sequence="2")))
    assert exporter.ask(exporter.public_port, "POST", "/callback", body).status == 200
    assert counted(exporter) == 2
    assert exporter.terminate() == 0


def test_a_certificate_that_cannot_serve_is_not_taken(
    exporter: SecureDaemon, tmp_path: Path
) -> None:
    """At SIGHUP a half renewed pair is refused with a sentence, and the old one goes on."""
    assert exporter.process
    workers = exporter.workers()
    trusted = tmp_path / "trusted.crt"
    shutil.copy(exporter.certificate, trusted)
    renewed, _ = make(tmp_path, "renewed")
    shutil.copy(renewed, exporter.settings["tls_certfile"])  # its key is still to come
    exporter.certificate = trusted
    os.kill(exporter.process.pid, signal.SIGHUP)
    line = exporter.line(event="tls.not_renewed")
    assert line["level"] == "error"
    assert "is not the key of" in line["reason"]
    assert exporter.ask(exporter.public_port, "GET", "/-/healthy").status == 200
    assert exporter.workers() == workers
