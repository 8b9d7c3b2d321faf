"""Rounds of reconciliation with ledgers of every kind, two processes on each."""

import time

from support.ledgers import Open, value
from support.programs import until
from support.tencent.desk import rounds
from support.tencent.sending import entry_of
from support.tencent.server import Double

from exporter.ledger import Ledger
from exporter.metrics import catalogue


def names(ledger: Ledger) -> set[str]:
    return {one.stream[2] for one in ledger.open_pushes()}


def test_lost_callbacks_heal(open_ledger: Open, double: Double) -> None:
    """What is gone is closed, what is there is opened, in hundreds at once."""
    ledger = open_ledger()
    for number in range(150):
        ledger.record(entry_of(double.world.begin(f"camera-{number}"), "push"), time.time())
    for push in double.world.pushes[:40]:
        double.world.end(push)
    for number in range(150, 450):
        double.world.begin(f"camera-{number}")
    one = rounds(double, ledger)
    one.make()
    assert len(names(ledger)) == 150
    one.make()
    assert names(ledger) == {push.stream_id for push in double.world.online()}
    assert value(ledger, catalogue.RECONCILED, "opened") == 300
    assert value(ledger, catalogue.RECONCILED, "closed") == 40
    name = catalogue.LAST_RECONCILIATION
    until(lambda: value(ledger, name) > 1e12, "the time of the last success is committed")


def test_one_of_two_processes_asks(open_durable: Open, double: Double) -> None:
    """The other one goes on when it lets go."""
    first_ledger, second_ledger = open_durable(), open_durable()
    push = double.world.begin()
    first_ledger.record(entry_of(push, "push"), time.time())
    first, second = rounds(double, first_ledger), rounds(double, second_ledger)
    for _ in range(2):
        first.make()
        second.make()
    assert len(double.calls) == 2
    first.release()
    double.world.end(push)
    for _ in range(2):
        second.make()
        first.make()
    assert len(double.calls) == 5, "two lists and a state"
    assert not names(first_ledger)


def test_what_was_known_before_is_asked_for_again(open_durable: Open, double: Double) -> None:
    """After a restart too, though no push of that push domain and app name is open."""
    push = double.world.begin()
    ledger = open_durable()
    ledger.record(entry_of(push, "push"), time.time())
    double.world.end(push)
    ledger.record(entry_of(push, "interruption"), time.time())
    double.world.begin("camera-2")
    one = rounds(double, open_durable())
    one.make()
    one.make()
    assert names(ledger) == {"camera-2"}
