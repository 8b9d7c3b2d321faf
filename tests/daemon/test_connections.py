"""Connections to the public listener: kept, full of requests, and paths as they were sent."""

import http.client
import re
import socket
from collections.abc import Iterator

import pytest
from support import raw
from support.daemon import Daemon, request
from support.packets import body_of, packet

BODY_LIMIT = 4096
PATH = "/callback"


@pytest.fixture(scope="module")
def exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """Return one daemon for all of these tests."""
    directory = tmp_path_factory.mktemp("connections")
    with Daemon(directory / "data", max_body_bytes=BODY_LIMIT) as daemon:
        yield daemon


def test_a_doubled_slash_is_another_path(exporter: Daemon) -> None:
    """The path is taken as it was sent."""
    answer = request(exporter.public_port, "POST", f"/{PATH}")
    assert (answer.status, answer.json["reason"]) == (404, "not_found")


def test_a_connection_is_kept_through_refusals(exporter: Daemon) -> None:
    """After a refused body the same connection carries the next callback."""
    good = body_of(packet("push"))
    connection = http.client.HTTPConnection("127.0.0.1", exporter.public_port, timeout=20)
    connection.connect()
    own = connection.sock.getsockname()
    for path, body, status in (
        (PATH, b"x" * (BODY_LIMIT + 1), 413),
        ("/x", b"y", 404),
        (PATH, b"{", 400),
        (PATH, good, 200),
    ):
        connection.request("POST", path, body)
        response = connection.getresponse()
        assert (response.status, bool(response.read())) == (status, True)
        assert connection.sock.getsockname() == own
    connection.close()


def test_requests_that_arrive_together_are_all_answered(exporter: Daemon) -> None:
    """A request that was read with the one before it does not wait for more to come."""
    good = raw.post(PATH, body_of(packet("push")))
    large = raw.post(PATH, b"x" * (BODY_LIMIT + 1))
    last = good.replace(b"Host", b"Connection: close\r\nHost")
    with socket.create_connection(("127.0.0.1", exporter.public_port), 20) as connection:
        connection.sendall(large + raw.post("/x", b"y") + good + last)
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert re.findall(rb"HTTP/1.1 (\d+)", received) == [b"413", b"404", b"200", b"200"]
