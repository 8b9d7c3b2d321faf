"""Hostile bytes against a real daemon: no 500, no forged line, no flood; healthy afterwards."""

import http.client
import itertools
import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import raw
from support.daemon import Daemon, request
from support.hostile import NASTY, SECRET, packets
from support.packets import KEY, Packet, packet, signed
from support.programs import until

TIME = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+Z)?"
CONSOLE_LINE = re.compile(TIME + r" \[(info|warning) +\] (callback|ledger|Listening|Starting)?\S*")


class Tail:
    """The log of a daemon, read on."""

    def __init__(self, exporter: Daemon) -> None:
        self.exporter = exporter
        self._file = exporter.log.open("rb")
        self._marks = itertools.count()

    def lines(self) -> list[str]:
        """Return the lines that came since the last call, each whole, whoever had to write them.

        A callback of our own shows that all before it are there.
        """
        mark = f"mark-{next(self._marks)}"
        assert self.exporter.post(packet("subtitles", stream_id=mark)).status == 200
        read = b""

        def is_there() -> bool:
            nonlocal read
            read += self._file.read()
            return mark.encode() in read and read.endswith(b"\n")

        until(is_there, "the log is written")
        *lines, last = read.decode().split("\n")[:-1]
        assert mark in last
        return lines

    def close(self) -> None:
        self._file.close()


@pytest.fixture(scope="module", params=["json", "console"])
def tail(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Tail]:
    """Return the log of one daemon in each format."""
    directory = tmp_path_factory.mktemp("hostile")
    with Daemon(directory / "data", log_format=request.param) as exporter:
        tail = Tail(exporter)
        tail.lines()
        yield tail
        tail.close()


def assert_one_line(tail: Tail, *, or_none: bool) -> None:
    """See that one callback wrote one line, of our making, and nothing secret."""
    lines = [line for line in tail.lines() if "_suppressed" not in line]
    assert len(lines) == 1 or (or_none and not lines)
    for line in lines:
        assert SECRET not in line
        assert KEY not in line
        if tail.exporter.settings["log_format"] == "json":
            assert json.loads(line)["event"].startswith("callback.")
            assert not re.search(r"[\x00-\x1f\x7f]", line)
        else:
            assert CONSOLE_LINE.match(line)
            assert line.isprintable()


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(packets())
def test_a_packet_writes_one_line(tail: Tail, hostile: Packet) -> None:
    """Whatever a signed packet holds, it is one line of the log, and forges none."""
    answer = tail.exporter.post(hostile)
    assert answer.status in (200, 400)
    assert_one_line(tail, or_none=answer.status != 200)


@pytest.mark.parametrize("text", NASTY)
def test_a_nasty_name_forges_nothing(tail: Tail, text: str) -> None:
    """A name is refused or shown harmlessly: never a line, a field or a command of its own."""
    fields = {"stream_id": f"s{text}", "app": f"d{text}", "errmsg": text, "sequence": f"q{text}"}
    answer = tail.exporter.post(packet("push", **fields))
    assert answer.status in (200, 400)
    assert_one_line(tail, or_none=answer.status == 400)
    exposed = tail.exporter.metrics()  # it parses
    assert not any("\n" in name for name in exposed)


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
        assert set(statuses) <= {
            b"100",
            b"200",
            b"400",
            b"403",
            b"404",
            b"405",
            b"413",
            b"417",
            b"431",
            b"501",
        }
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
    body = json.dumps(signed(packet("push"))).encode()
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


def test_the_daemon_is_well_after_all_that(tail: Tail) -> None:
    """It accepts, shows and is ready as before; no worker was lost."""
    [worker] = tail.exporter.workers()
    assert tail.exporter.post(packet("push", sequence="after")).status == 200
    assert tail.exporter.get("/-/ready").status == 200
    assert "ledger.failed" not in tail.exporter.log.read_text()
    assert "Traceback" not in tail.exporter.log.read_text()
    assert tail.exporter.workers() == [worker]
    assert tail.exporter.terminate() == 0


def test_slow_senders_do_not_keep_others_waiting(daemon: Callable[..., Daemon]) -> None:
    """Beside connections that say nothing, or not all, others go on."""
    exporter = daemon()
    with ExitStack() as stack:
        for number in range(30):
            address = ("127.0.0.1", exporter.public_port)
            connection = stack.enter_context(socket.create_connection(address))
            if number % 10 == 0:
                connection.sendall(raw.post("/callback", b"{}")[:-1])
        until(lambda: exporter.post(packet("push")).status == 200, "a callback is taken", 60)


def test_a_flood_of_forgeries_is_counted_not_logged(daemon: Callable[..., Daemon]) -> None:
    """Of thousands of forged packets few lines are logged; the rest is told as a number."""
    exporter = daemon(log_format="json")
    body = json.dumps(signed(packet("push"), key="another")).encode()
    connection = http.client.HTTPConnection("127.0.0.1", exporter.public_port, timeout=20)
    total = 3000
    began = time.monotonic()
    for number in range(total):
        connection.request("POST", "/callback", body if number % 3 else b"no JSON")
        response = connection.getresponse()
        response.read()
        assert response.status in (400, 403)
    windows = 1 + (time.monotonic() - began) // 10
    connection.close()
    expected = {"bad_signature": total * 2 / 3, "malformed_json": total / 3}
    family = "tencent_css_callback_rejections_total"
    for reason, count in expected.items():
        name = f'{family}{{reason="{reason}"}}'
        until(lambda n=name, c=count: exporter.metrics()[n] == c, f"{reason} is counted")
    assert exporter.terminate() == 0  # what is not told yet is told now
    for reason, count in expected.items():
        lines = [line for line in exporter.lines() if line.get("reason") == reason]
        told = [line for line in lines if line["event"] == "callback.rejected"]
        left_out = [line for line in lines if line["event"] == "callback.rejected_suppressed"]
        assert 0 < len(told) <= 10 * (windows + 1)
        assert len(told) + sum(line["count"] for line in left_out) == count
        assert {line["level"] for line in lines} == {"warning"}
