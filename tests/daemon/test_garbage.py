"""Bytes that are no HTTP, or hardly: no 500, no echo, no traceback."""

import re
import socket

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import raw
from support.daemon import Start, request
from support.packets import body_of, packet
from support.programs import until
from support.tail import Tail

GARBAGE = [
    b"",
    b"\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET",
    b"POST /callback",
    b"POST /callback HTTP/9.9\r\n\r\n",
    b"POST /callback HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    b"POST /callback HTTP/1.1\r\nContent-Length: 9\r\nContent-Length: 10\r\n\r\n{}",
    b"POST /callback HTTP/1.1\r\nContent-Length: \xb2\r\n\r\n{}",
    b"POST /callback HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n{}",
    b"POST /callback HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /callback HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    b"POST /callback HTTP/1.1\r\nTransfer-Encoding: nonsense\r\n\r\n",
    b"POST /callback HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST /callback HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n",
    b"POST /callback HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n0\r\n\r\n",
    b"POST /callback HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;x\nhello\r\n0\r\nBad\r\n\r\n",
    b"POST /callback HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 9000,
    b"POST /callback HTTP/1.1\r\nContent-Length: 100\r\n\r\n{",
    b"POST /callback HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n",
    b"POST /callback HTTP/1.1\r\nExpect: nonsense\r\nContent-Length: 2\r\n\r\n{}",
    b"POST /callback HTTP/1.1\r\nX: a\nevent=forged\r\n\r\n",
    b"POST /callback HTTP/1.1\r\nX: " + b"a" * 20000 + b"\r\n\r\n",
    b"POST /callback HTTP/1.1\r\n" + b"X: a\r\n" * 300 + b"\r\n",
    b"POST /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n",
    b"POST \xff\xfe HTTP/1.1\r\n\r\n",
    b"POST /%ff%00%0a HTTP/1.1\r\nHost: \xff\r\nContent-Length: 0\r\n\r\n",
    b"POST http://[::1/callback HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\n\r\n",
    b"CONNECT x:1 HTTP/1.1\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x1b[31mPOST / HTTP/1.1\r\n\r\n",
    b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET /-/healthy HTTP/1.1\r\n\r\n",
    b"POST /callback HTTP/1.0\r\nConnection: keep-alive\r\n\r\n{}",
    b"POST /callback HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n",
]

ANSWERED = {100, 200, 400, 403, 404, 405, 413, 417, 421, 431, 501}
"""What the two listeners may answer to such bytes, whatever they make of them."""


def whole_answer(port: int, sent: bytes) -> bytes:
    """Send bytes and the end, and return all that is answered until the other side ends."""
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        try:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65536), b""))
        except OSError:  # cut off
            return b""


@pytest.mark.parametrize("sent", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_gets_no_500(tail: Tail, sent: bytes) -> None:
    """Bytes that are no request, or half of one, are answered with 4xx or cut off."""
    for port in (tail.exporter.public_port, tail.exporter.private_port):
        statuses = re.findall(rb"HTTP/1\.[01] (\d+)", whole_answer(port, sent))
        assert set(map(int, statuses)) <= ANSWERED
    assert request(tail.exporter.public_port, "GET", "/-/healthy").status == 200
    for line in tail.lines():
        assert not re.search(r"[\x00-\x1f\x7f]", line)
        assert "Traceback" not in line
        assert "exception" not in line


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_a_damaged_request_gets_no_500(tail: Tail, data: st.DataObject) -> None:
    """A good request with a piece cut out, doubled or replaced is answered or cut off."""
    body = body_of(packet("push"))
    whole = data.draw(
        st.sampled_from(
            [raw.post("/callback", body), raw.chunked("/callback", body[:9], body[9:])]
        )
    )
    begin = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(begin, min(len(whole), begin + 20)))
    new = data.draw(st.one_of(st.binary(max_size=8), st.just(whole[begin:end] * 2)))
    received = whole_answer(tail.exporter.public_port, whole[:begin] + new + whole[end:])
    assert b"HTTP/1.1 500" not in received


def test_bytes_that_are_no_http_are_answered_without_echo(daemon: Start) -> None:
    """A broken request line is refused, and nothing of it comes back."""
    exporter = daemon()
    with socket.create_connection(("127.0.0.1", exporter.public_port)) as connection:
        connection.sendall(b"NONSENSE<script> / HTTP/9.9\r\n\r\n")
        answer = connection.recv(4096)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"script" not in answer
    assert request(exporter.public_port, "GET", "/-/healthy").status == 200


def test_what_is_no_http_is_logged_without_its_text(daemon: Start) -> None:
    """The log names what is wrong with bytes that are no HTTP, and quotes none of them."""
    exporter = daemon()
    for line in ("GET /callback?txSecret=quoted", "GET /callback?txSecret='quoted'"):
        raw.send(exporter.public_port, f"{line} HTTP/9.9\r\n\r\n".encode())
    until(lambda: '"reason":"malformed_http"' in exporter.log.read_text(), "it is logged")
    assert "quoted" not in exporter.log.read_text()
