"""Requests that no sender of callbacks makes: HEAD, and bytes that are no HTTP."""

import socket
from collections.abc import Iterator

import pytest
from support import raw
from support.daemon import Daemon
from support.programs import until

PATH = "/callback"


@pytest.fixture(scope="module")
def exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """Return one daemon for all of these tests."""
    with Daemon(tmp_path_factory.mktemp("strange") / "data") as daemon:
        yield daemon


def test_an_answer_to_head_has_no_body(exporter: Daemon) -> None:
    """A refused HEAD leaves nothing on a kept connection that the next answer would follow."""
    lines = f"HEAD {PATH} HTTP/1.1", "Host: x", "Connection: close"
    with socket.create_connection(("127.0.0.1", exporter.public_port), 20) as connection:
        connection.sendall("\r\n".join((*lines, "", "")).encode())
        with connection.makefile("rb") as stream:
            head, _, body = stream.read().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 405 ")
    assert body == b""


def test_what_is_no_http_is_logged_without_its_text(exporter: Daemon) -> None:
    """The log names what is wrong with bytes that are no HTTP, and quotes none of them."""
    for line in (f"GET {PATH}?txSecret=quoted", f"GET {PATH}?txSecret='quoted'"):
        raw.send(exporter.public_port, f"{line} HTTP/9.9\r\n\r\n".encode())
    until(lambda: '"reason":"malformed_http"' in exporter.log.read_text(), "it is logged")
    assert "quoted" not in exporter.log.read_text()
