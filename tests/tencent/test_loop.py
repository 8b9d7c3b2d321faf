"""The thread that reconciles: when it makes rounds, and how it stops."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from support.programs import until
from support.tencent import lies
from support.tencent.desk import HASTY
from support.tencent.ledger import ReadLedger
from support.tencent.server import Double

from exporter.tencent.calling import Account
from exporter.tencent.loop import STOP_SECONDS, Loop, loop_for
from exporter.tencent.rounds import RECONCILIATION_LEASE

Start = Callable[..., Loop]


@pytest.fixture
def ledger(double: Double) -> ReadLedger:
    """Return a ledger with an open push, so that there is something to ask for."""
    one = ReadLedger()
    one.take(double.world.begin())
    return one


@pytest.fixture
def start(double: Double, ledger: ReadLedger) -> Iterator[Start]:
    """Return a function that starts a loop; all stop with the test."""
    account = Account(tencent_endpoint=double.endpoint)
    with ExitStack() as stack:

        def begin(seconds: float = 0.05) -> Loop:
            loop = loop_for(ledger, account, (), seconds, HASTY)
            loop.start()
            stack.callback(loop.stop)
            return loop

        yield begin


def alive() -> int:
    """Return how many such threads run."""
    return sum(thread.name == "reconciliation" for thread in threading.enumerate())


def test_rounds_are_made_until_it_stops(double: Double, start: Start) -> None:
    """And none after that."""
    loop = start()
    until(lambda: len(double.calls) > 3, "rounds are made")
    loop.stop()
    asked = len(double.calls)
    assert alive() == 0
    time.sleep(0.2)
    assert len(double.calls) == asked


def test_failures_do_not_end_it(double: Double, start: Start) -> None:
    """However many there are."""
    double.lie(lies.refuse("UnauthorizedOperation"), times=5)
    start()
    until(lambda: len(double.calls) > 7, "it goes on")


def test_it_stops_in_the_midst_of_a_call(double: Double, ledger: ReadLedger, start: Start) -> None:
    """Nothing comes of what is answered later, and the next process may begin at once."""
    double.lie(lies.travelling(hang_seconds=60))
    loop = start()
    until(lambda: bool(double.calls), "it asks")
    began = time.monotonic()
    loop.stop()
    assert time.monotonic() - began < STOP_SECONDS + 1
    until(lambda: alive() == 0, "the thread ends")
    assert ledger.lease(RECONCILIATION_LEASE, "another", 60)


def test_one_that_has_just_started_stops_too(start: Start) -> None:
    """It waits for its first round."""
    loop = start(seconds=900)
    loop.stop()
    assert alive() == 0


def test_only_one_of_several_asks(double: Double, start: Start) -> None:
    """Another takes over when it stops."""
    first = start(seconds=0.5)
    until(lambda: bool(double.calls), "the first asks")
    second = start(seconds=0.5)
    first.stop()
    asked = len(double.calls)
    until(lambda: len(double.calls) > asked, "the second asks")
    second.stop()
