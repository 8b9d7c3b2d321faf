"""Connections to the public listener: kept, full of requests, and paths as they were sent."""

import http.client
import re
import socket
import threading
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


def test_thousands_that_arrive_together_are_answered_one_after_another(exporter: Daemon) -> None:
    """Each is refused at once, however many wait behind it; the last one is counted."""
    many = 3000
    last = raw.post(PATH, body_of(packet("push"))).replace(b"Host", b"Connection: close\r\nHost")
    with socket.create_connection(("127.0.0.1", exporter.public_port), 20) as connection:
        connection.sendall(raw.post(PATH, b"{") * many + last)
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert re.findall(rb"HTTP/1.1 (\d+)", received) == [b"400"] * many + [b"200"]


def test_a_body_without_a_length_is_bounded_behind_another_request(exporter: Daemon) -> None:
    """It came whole, in chunks, before anybody looked at it."""
    good = raw.post(PATH, body_of(packet("push")))
    size = BODY_LIMIT + 1
    chunked = b"POST %b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" % PATH.encode()
    chunked += b"%x\r\n%b\r\n0\r\n\r\n" % (size, b" " * size)
    last = good.replace(b"Host", b"Connection: close\r\nHost")
    with socket.create_connection(("127.0.0.1", exporter.public_port), 20) as connection:
        connection.sendall(good + chunked + last)
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert re.findall(rb"HTTP/1.1 (\d+)", received) == [b"200", b"413", b"200"]


def test_who_does_not_read_gets_all_answers_later(exporter: Daemon) -> None:
    """More than fits between the two: the exporter waits, and goes on when they are read."""
    many = 60_000
    last = raw.post(PATH, body_of(packet("push"))).replace(b"Host", b"Connection: close\r\nHost")
    with socket.create_connection(("127.0.0.1", exporter.public_port), 20) as connection:
        requests = raw.post(PATH, b"{") * many + last
        sending = threading.Thread(target=connection.sendall, args=(requests,))
        sending.start()
        sending.join(1)
        received = b"".join(iter(lambda: connection.recv(2**20), b""))
        sending.join()
    assert re.findall(rb"HTTP/1.1 (\d+)", received) == [b"400"] * many + [b"200"]
