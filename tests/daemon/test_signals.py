"""What signals do to a daemon under load: workers come and go, no callback is lost or doubled."""

import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.daemon import Daemon
from support.packets import body_of, packet
from support.programs import until
from support.sender import Kept

PUSHES = (
    'tencent_css_pushes_total{app_name="stage",origin="mainland",push_domain="live.test.example"}'
)


def send(exporter: Kept, number: int) -> None:
    """Send a push until it is taken, as the platform would."""
    # A worker that ends closes its connections.
    until(
        lambda: exporter.post(body_of(packet("push", sequence=str(number)))) == 200,
        "the push is taken",
    )


def replaced(exporter: Daemon, before: list[int], number: int) -> Callable[[], bool]:
    """Return whether so many workers serve, none of them one of those before."""
    return lambda: len(now := exporter.workers()) == number and not set(now) & set(before)


@pytest.mark.parametrize("killed", [False, True], ids=["SIGHUP", "a worker killed"])
def test_workers_are_replaced_under_load(daemon: Callable[..., Daemon], killed: bool) -> None:
    """New workers take over; what was sent meanwhile counts exactly once."""
    exporter = daemon(workers=2)
    before = exporter.workers()
    assert exporter.process
    with Kept(exporter) as kept, ThreadPoolExecutor(8) as pool:
        sending = [pool.submit(send, kept, number) for number in range(600)]
        until(sending[100].done, "callbacks are taken")
        if killed:
            for worker in before:
                os.kill(worker, signal.SIGKILL)
        else:
            exporter.process.send_signal(signal.SIGHUP)
        for one in sending:
            one.result(120)
    until(replaced(exporter, before, 2), "the workers are new ones", 30)
    assert exporter.metrics()[PUSHES] == 600
    assert exporter.terminate() == 0


def test_the_number_of_workers_follows_signals(daemon: Callable[..., Daemon]) -> None:
    """SIGTTIN adds a worker, SIGTTOU takes one away, and callbacks go on."""
    exporter = daemon()
    assert exporter.process
    for number, (asked, workers) in enumerate(
        ((signal.SIGTTIN, 2), (signal.SIGTTIN, 3), (signal.SIGTTOU, 2), (signal.SIGTTOU, 1))
    ):
        exporter.process.send_signal(asked)
        until(lambda n=workers: len(exporter.workers()) == n, f"{workers} workers serve", 30)
        with Kept(exporter) as kept:
            send(kept, number)
    assert exporter.metrics()[PUSHES] == 4
