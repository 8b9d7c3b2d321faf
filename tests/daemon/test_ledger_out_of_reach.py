"""What an incident on the machine does to a running daemon: it waits, and loses nothing."""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.daemon import Daemon, Start, request
from support.packets import packet
from support.programs import until

from exporter.ledger import LedgerUnavailable, Limits, open_ledger
from exporter.ledger.sqlite.files import FileLock


def worker_of(exporter: Daemon) -> int:
    """Return the process of the daemon's only worker."""
    assert exporter.process
    listed = subprocess.check_output(["ps", "-o", "pid=", "--ppid", str(exporter.process.pid)])
    return int(listed.split()[0])


def test_a_worker_never_makes_a_ledger(daemon: Start) -> None:
    """A new worker that finds the directory gone answers 503 until it is back."""
    exporter = daemon()
    assert exporter.post(packet("push")).status == 200
    moved = exporter.data_dir.with_name("moved")
    shutil.move(exporter.data_dir, moved)
    os.kill(worker_of(exporter), signal.SIGKILL)
    until(lambda: exporter.post(packet("screencapture")).status == 503, "503 without a ledger")
    assert exporter.get("/metrics").status == 503
    assert not (exporter.data_dir / "ledger.sqlite").exists()
    shutil.rmtree(exporter.data_dir, ignore_errors=True)
    shutil.move(moved, exporter.data_dir)
    until(lambda: exporter.post(packet("screencapture")).status == 200, "200 with it back")
    assert exporter.metrics()['tencent_css_callbacks_total{event="push"}'] == 1


def test_a_held_lock_holds_up_no_scrape(daemon: Start) -> None:
    """Callbacks are refused in time while another process holds the lock; scrapes are not."""
    exporter = daemon()
    assert exporter.post(packet("push")).status == 200
    with (exporter.data_dir / "ledger.sqlite.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert exporter.post(packet("interruption")).json == {
            "code": 503,
            "reason": "ledger_unavailable",
        }
        assert exporter.get("/-/ready").status == 503
        assert exporter.metrics()['tencent_css_callbacks_total{event="push"}'] == 1
    until(lambda: exporter.post(packet("interruption")).status == 200, "recovery")


def test_a_lock_whose_file_was_removed_still_excludes(tmp_path: Path) -> None:
    """Whoever waited on a removed file locks the new one."""
    path = tmp_path / "ledger.lock"
    first, second = FileLock(path), FileLock(path)
    with first:
        pass
    path.unlink()
    with second, pytest.raises(TimeoutError), first.within(0.1):
        pass
    with first.within(1):
        pass


def test_a_start_does_not_wait_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A start that cannot have the lock says so."""
    monkeypatch.setattr("exporter.ledger.sqlite._START_SECONDS", 0.2)
    path = tmp_path / "ledger.sqlite"
    open_ledger(f"sqlite:///{path}", Limits()).close()
    with FileLock(Path(f"{path}.lock")), pytest.raises(TimeoutError, match="held by others"):
        open_ledger(f"sqlite:///{path}", Limits())


def test_without_making_a_ledger_is_unavailable(tmp_path: Path) -> None:
    """A ledger that must not be made is waited for."""
    ledger = open_ledger(f"sqlite:///{tmp_path}/gone/ledger.sqlite", Limits(), make=False)
    with pytest.raises(LedgerUnavailable):
        ledger.check()
    with pytest.raises(LedgerUnavailable):
        ledger.snapshot()
    ledger.close()
    assert not (tmp_path / "gone").exists()


def test_slow_senders_do_not_hide_the_metrics(daemon: Start) -> None:
    """While many connections send byte by byte, the private listener answers."""
    exporter = daemon(threads=4)
    with ExitStack() as stack:
        for _ in range(40):
            sender = stack.enter_context(
                socket.create_connection(("127.0.0.1", exporter.public_port))
            )
            sender.sendall(b"POST /callback HTTP/1.1\r\nHost: x\r\nContent-Length: 9")
        assert exporter.get("/metrics").status == 200
        assert exporter.get("/-/ready").status == 200
    assert exporter.post(packet("push")).status == 200


def test_a_full_log_pipe_holds_up_nothing(daemon: Start, tmp_path: Path) -> None:
    """Callbacks are answered while nobody reads the log; afterwards it says what was lost."""
    fifo = tmp_path / "data.log"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 4096)

    def said() -> bytes:
        try:
            return os.read(reader, 65536)
        except BlockingIOError:
            return b""

    exporter = daemon()
    for number in range(40):
        assert exporter.post(packet("push", sequence=str(number))).status == 200
    while said():
        pass
    assert exporter.post(packet("interruption")).status == 200
    until(lambda: b"log.lost" in said(), "the log tells of lost lines")
    assert exporter.terminate() == 0
    os.close(reader)


def test_bytes_that_are_no_http_are_answered_without_echo(daemon: Start) -> None:
    """A broken request line is refused, and nothing of it comes back."""
    exporter = daemon()
    with socket.create_connection(("127.0.0.1", exporter.public_port)) as connection:
        connection.sendall(b"NONSENSE<script> / HTTP/9.9\r\n\r\n")
        answer = connection.recv(4096)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"script" not in answer
    assert request(exporter.public_port, "GET", "/-/healthy").status == 200


def test_a_stalled_sender_does_not_hold_up_the_end(daemon: Start) -> None:
    """SIGTERM ends the daemon by itself although a request never comes whole."""
    exporter = daemon()
    with socket.create_connection(("127.0.0.1", exporter.public_port)) as sender:
        sender.sendall(b"POST /callback HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
        assert exporter.post(packet("push")).status == 200
        assert exporter.terminate() == 0
    assert not (exporter.data_dir / "ledger.sqlite-wal").exists()
