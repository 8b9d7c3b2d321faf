"""A commit that hangs is as bad as one that fails, and as easy to see."""

import fcntl
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from support.daemon import Daemon
from support.packets import packet
from support.programs import until

from exporter.ledger.interface import UNAVAILABLE_AFTER_SECONDS

UP = "tencent_css_exporter_ledger_up"
WAITING = 'tencent_css_exporter_uncommitted_rejections{reason="ledger_unavailable"}'
REFUSED = 'tencent_css_callback_rejections_total{reason="ledger_unavailable"}'
PUSHES = 'tencent_css_callbacks_total{event="push"}'


@contextmanager
def hung(exporter: Daemon) -> Iterator[None]:
    """Hold the ledger's lock, as a program that was stopped with it would."""
    with (exporter.data_dir / "ledger.sqlite.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def test_a_hung_commit_is_seen_and_refused_in_time(daemon: Callable[..., Daemon]) -> None:
    """Callbacks get 503 within 10 s, and the process's own metrics show what cannot be stored."""
    exporter = daemon()
    assert exporter.post(packet("push")).status == 200
    shown = exporter.metrics()
    assert (shown[UP], shown[WAITING], shown[REFUSED]) == (1, 0, 0)

    def refused(number: int) -> float:
        began = time.monotonic()
        assert exporter.post(packet("push", sequence=f"held{number}")).status == 503
        return time.monotonic() - began

    with hung(exporter), ThreadPoolExecutor(8) as senders:
        assert max(senders.map(refused, range(8))) < 10
        assert UNAVAILABLE_AFTER_SECONDS < 10
        until(lambda: exporter.metrics()[UP] == 0, "the process says so")
        assert exporter.get("/-/ready").status == 503
        for number in range(5):
            assert refused(number) < 2  # known by now: nobody waits again
        shown = exporter.metrics()
        assert (shown[UP], shown[WAITING], shown[REFUSED]) == (0, 13, 0)
        assert shown[PUSHES] == 1
    until(lambda: exporter.post(packet("push", sequence="after")).status == 200, "recovery")
    until(lambda: exporter.metrics()[WAITING] == 0, "the refusals are committed")
    shown = exporter.metrics()
    assert shown[UP] == 1
    assert shown[REFUSED] >= 13
    assert exporter.get("/-/ready").status == 200


def test_a_hung_commit_is_seen_without_callbacks(daemon: Callable[..., Daemon]) -> None:
    """The ledger is looked after every second: at night its trouble is seen too."""
    exporter = daemon()
    with hung(exporter):
        until(lambda: exporter.metrics()[UP] == 0, "the process says so", 30)
    until(lambda: exporter.metrics()[UP] == 1, "recovery")
