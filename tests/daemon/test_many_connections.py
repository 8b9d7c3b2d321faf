"""Thousands of connections that send slowly or not at all: callbacks go on as before."""

import resource
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import orjson
import pytest
from support import raw
from support.daemon import Daemon
from support.packets import packet, signed
from support.programs import until
from support.tls import SecureDaemon, make

SLOW = 2000
SILENT = 3000


@pytest.fixture(autouse=True)
def _many_files() -> Iterator[None]:
    """Let this process open as many connections as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Limited(Daemon):
    """A daemon that may open 1,024 files."""

    command = ("-m", "support.few_files", "serve")


@contextmanager
def connections(exporter: Daemon, number: int) -> Iterator[list[socket.socket]]:
    """Open connections to the public listener, and close them at the end."""
    address = ("127.0.0.1", exporter.public_port)
    with ExitStack() as stack:
        yield [stack.enter_context(socket.create_connection(address, 20)) for _ in range(number)]


def rate(exporter: Daemon, run: str) -> float:
    """Return callbacks a second that one sender gets through, all of them accepted."""
    began = time.monotonic()
    for number in range(150):
        assert exporter.post(packet("push", sequence=f"{run}-{number}")).status == 200
    return 150 / (time.monotonic() - began)


@pytest.mark.alone
def test_slow_senders_change_nothing_for_others(tmp_path: Path) -> None:
    """Beside 2,000 connections that send a byte a second others are as fast as alone."""
    with Daemon(tmp_path / "data") as exporter:
        rate(exporter, "warm")
        alone = rate(exporter, "alone")
        with connections(exporter, SLOW) as slow:
            for connection in slow:
                connection.sendall(raw.post("/callback", b"x" * 90)[:-90])
            ended = threading.Event()
            trickling = threading.Thread(target=trickle, args=(slow, ended))
            trickling.start()
            try:
                # The machine has other things to do, too: the best of a few.
                beside = max(rate(exporter, f"beside{turn}") for turn in range(3))
                shown = exporter.get("/metrics").status
            finally:
                ended.set()
                trickling.join()
        assert shown == 200
        assert beside > alone / 2


def trickle(slow: list[socket.socket], ended: threading.Event) -> None:
    """Send a byte on each connection every second."""
    while not ended.wait(1):
        for connection in slow:
            try:
                connection.send(b"{")
            except OSError:
                continue  # its 20 seconds are over


def test_silent_connections_beyond_the_file_limit(tmp_path: Path) -> None:
    """3,000 silent connections to a daemon with 1,024 files: no worker ends, callbacks go on."""
    with Limited(tmp_path / "data") as exporter:
        workers = exporter.workers()
        with connections(exporter, SILENT):
            for number in range(50):
                assert exporter.post(packet("push", sequence=str(number))).status == 200
            assert exporter.get("/metrics").status == 200
            until(lambda: exporter.lines("http.refused"), "the log says so")
        assert exporter.workers() == workers
        assert "Traceback" not in exporter.log.read_text()
        assert exporter.terminate() == 0


@pytest.mark.parametrize(
    "sent", [b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n", raw.post("/callback", b"{}")[:-1]]
)
def test_no_kind_of_waiting_keeps_others_out(tmp_path: Path, sent: bytes) -> None:
    """As many kept or unfinished connections as fit: a new one is served all the same."""
    with Limited(tmp_path / "data") as exporter, connections(exporter, 1100) as waiting:
        for connection in waiting:
            with suppress(OSError):  # cut off already
                connection.sendall(sent)
                if sent[:3] == b"GET":
                    connection.recv(1000)
        for number in range(20):
            assert exporter.post(packet("push", sequence=str(number))).status == 200


class LimitedSecure(SecureDaemon, Limited):
    """The same with TLS."""


def test_silent_connections_beyond_the_file_limit_with_tls(tmp_path: Path) -> None:
    """Those that never say hello take no place from others: callbacks go on, no worker ends."""
    with LimitedSecure(tmp_path / "data", make(tmp_path, "own")) as exporter:
        workers = exporter.workers()
        with connections(exporter, SILENT):
            for number in range(20):
                body = orjson.dumps(signed(packet("push", sequence=str(number))))
                assert exporter.ask(exporter.public_port, "POST", "/callback", body).status == 200
            assert exporter.ask(exporter.private_port, "GET", "/metrics").status == 200
        assert exporter.workers() == workers
        assert "Traceback" not in exporter.log.read_text()
        assert exporter.terminate() == 0


def test_a_silent_connection_is_closed(tmp_path: Path) -> None:
    """A connection that never sends a byte is closed, and so is one that never ends its head."""
    with Daemon(tmp_path / "data") as exporter, connections(exporter, 2) as (silent, slow):
        slow.sendall(b"POST /callback HTTP/1.1\r\nX: ")
        for connection in (silent, slow):
            connection.settimeout(40)
            assert connection.recv(1) == b""


def test_a_head_without_end_is_refused(tmp_path: Path) -> None:
    """A head that grows is cut off, and never kept."""
    with Daemon(tmp_path / "data") as exporter:
        answer = raw.send(exporter.public_port, b"POST / HTTP/1.1\r\nX: ", b"x" * 1_000_000)
        assert answer[:13] in (b"HTTP/1.1 431 ", b"")  # or lost with the rest that nobody read
        assert exporter.post(packet("push")).status == 200
        assert exporter.line(event="http.refused")["reason"] == "head_too_large"
