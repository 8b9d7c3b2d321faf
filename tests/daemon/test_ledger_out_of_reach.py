"""A ledger that a running daemon cannot reach: it waits, refuses in time, and loses nothing."""

import fcntl
import os
import shutil
import signal

from support.daemon import Start
from support.packets import packet
from support.programs import until


def test_a_worker_never_makes_a_ledger(daemon: Start) -> None:
    """A new worker that finds the directory gone answers 503 until it is back."""
    exporter = daemon()
    assert exporter.post(packet("push")).status == 200
    moved = exporter.data_dir.with_name("moved")
    shutil.move(exporter.data_dir, moved)
    (worker,) = exporter.workers()
    os.kill(worker, signal.SIGKILL)
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
