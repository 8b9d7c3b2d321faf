"""What every ledger keeps of deliveries: the newest of each kind, their attempts counted."""

import json
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from support.ledgers import Open, entry, opening
from support.packets import packet
from support.programs import until
from support.settings import LONG, default

from exporter.daemon import logs
from exporter.ledger import DELIVERIES_KEPT, Delivery, Ledger
from exporter.ledger.memory import MemoryLedger
from exporter.protocol.signature import Keyring
from exporter.web.receiver import Policy, Receiver, Request

FLOOD = DELIVERIES_KEPT + 50


@pytest.fixture
def ledger(open_ledger: Open) -> Ledger:
    return open_ledger()


def taken(number: int = 0, outcome: str = "accepted", identity: bytes | None = None) -> Delivery:
    return Delivery(
        received_at=1_790_000_000.123456 + number,
        outcome=outcome,
        event="push",
        push_domain="live.test.example",
        app_name="stage",
        stream_id=f"stream-{number}",
        delay_seconds=0.1 + number,
        expires_in_seconds=599.75,
        identity=identity,
    )


def refused(number: int = 0, identity: bytes | None = None) -> Delivery:
    return Delivery(
        1_790_000_000.5 + number, "refused", "bad_field", "event_time", identity=identity
    )


def test_deliveries_are_returned_as_noted_newest_first(ledger: Ledger) -> None:
    """Each field comes back as it was, and the last one noted comes first."""
    noted = [taken(1), refused(2), taken(3, "late"), refused(4)]
    for delivery in noted:
        ledger.note(delivery)
    assert ledger.deliveries() == noted[::-1]


def test_newest_of_each_kind_are_kept(ledger: Ledger) -> None:
    """A flood of refused deliveries hides no taken ones, nor the other way round."""
    ledger.note(refused(0))
    for number in range(FLOOD):
        ledger.note(taken(number))
    for number in range(DELIVERIES_KEPT - 1):
        ledger.note(refused(number + 1))
    found = ledger.deliveries()
    assert [one for one in found if one.reason] == [
        refused(number) for number in reversed(range(DELIVERIES_KEPT))
    ]
    assert [one for one in found if not one.reason] == [
        taken(number) for number in reversed(range(50, FLOOD))
    ]


def test_attempts_count_deliveries_of_one_identity(ledger: Ledger) -> None:
    """Attempts say which delivery of its callback each one was, refused ones included."""
    for delivery in (
        refused(1, b"a"),
        refused(2, b"a"),
        taken(3, identity=b"b"),
        taken(4, identity=b"a"),
        taken(5, "duplicate", b"a"),
        refused(6),
        refused(7),
    ):
        ledger.note(delivery)
    assert [one.attempts for one in ledger.deliveries()] == [1, 1, 4, 3, 1, 2, 1]


def test_duplicate_is_never_the_first_attempt(ledger: Ledger) -> None:
    """A redelivery whose first delivery is not kept any more still counts as the second."""
    ledger.note(taken(1, "duplicate", b"a"))
    ledger.note(taken(2, "duplicate", b"a"))
    assert [one.attempts for one in ledger.deliveries()] == [3, 2]


def test_clock_that_is_set_back_hides_nothing(ledger: Ledger) -> None:
    """The order is that of noting: what comes after a clock's correction is newest."""
    for number in range(DELIVERIES_KEPT):
        ledger.note(taken(number + 1_000_000))
    ledger.note(taken(1))
    assert ledger.deliveries()[0] == taken(1)
    assert len(ledger.deliveries()) == DELIVERIES_KEPT


def test_deliveries_survive_a_restart(open_durable: Open) -> None:
    """Closing writes what was noted; the next process has it."""
    first = open_durable()
    noted = [taken(1), refused(2), taken(3, "duplicate")]
    for delivery in noted:
        first.note(delivery)
    first.close()
    found = open_durable().deliveries()
    assert [one._replace(attempts=1) for one in found] == noted[::-1]


def test_another_process_sees_deliveries_within_a_moment(open_durable: Open) -> None:
    """Without any callback to ride with, deliveries are committed alone, in their order."""
    ours, theirs = open_durable(), open_durable()
    ours.note(taken(1))
    until(lambda: theirs.deliveries() == [taken(1)], "the delivery is committed")
    theirs.note(refused(2))
    until(lambda: ours.deliveries() == [refused(2), taken(1)], "the other one too")


def test_table_stays_bounded(tmp_path: Path) -> None:
    """Several commits' worth of deliveries leave the newest of each kind in the file."""
    with opening("sqlite", tmp_path) as opener:
        _fill(opener(), opener())
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as connection:
        rows = connection.execute(
            "SELECT outcome, count(*) FROM delivery GROUP BY outcome ORDER BY outcome"
        ).fetchall()
    assert rows == [("accepted", DELIVERIES_KEPT), ("refused", DELIVERIES_KEPT)]


def _fill(ledger: Ledger, other: Ledger) -> None:
    for batch in range(3):
        for number in range(DELIVERIES_KEPT - 10):
            ledger.note(taken(batch * DELIVERIES_KEPT + number))
            ledger.note(refused(batch * DELIVERIES_KEPT + number))
        last = refused(batch * DELIVERIES_KEPT + DELIVERIES_KEPT - 11)
        until(lambda last=last: other.deliveries()[:1] == [last], "the batch is committed")


def test_deliveries_wait_out_an_unwritable_ledger(tmp_path: Path) -> None:
    """While nothing can be committed deliveries are shown from memory, and written afterwards."""
    delivery = refused(1)._replace(reason="ledger_unavailable")
    with opening("sqlite", tmp_path) as opener:
        ledger, other = opener(), opener()
        assert ledger.deliveries() == other.deliveries() == []
        path = tmp_path / "ledger.sqlite"
        with closing(sqlite3.connect(path, isolation_level=None)) as foreign:
            foreign.execute("BEGIN IMMEDIATE")
            ledger.note(delivery)
            until(lambda: ledger.failure, "a commit has failed")
            assert ledger.deliveries() == [delivery]
            foreign.execute("ROLLBACK")
        until(lambda: other.deliveries() == [delivery], "the delivery is committed")
        assert ledger.deliveries() == [delivery]


def test_delivery_that_cannot_be_written_harms_no_callback(open_durable: Open) -> None:
    """A delivery that the store chokes on is dropped; callbacks go on being committed."""
    ledger = open_durable()
    ledger.note(taken(1)._replace(stream_id="\ud800"))  # no UTF-8 for it
    ledger.note(taken(2))
    until(lambda: not ledger.deliveries(), "the bad delivery is dropped, with its company")
    ledger.record(entry("push"), time.time())
    ledger.note(taken(3))
    assert ledger.deliveries() == [taken(3)]


def test_noting_from_many_threads_loses_nothing(ledger: Ledger) -> None:
    """Threads note while commits take: each of few enough deliveries is returned once."""

    def note_fifty(first: int) -> None:
        for number in range(50):
            ledger.note(taken(first + number))
            time.sleep(0.01)  # so that commits come in between

    firsts = (0, 100, 200, 300, 400)
    threads = [threading.Thread(target=note_fifty, args=(first,)) for first in firsts]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        found = ledger.deliveries()
        assert len(set(found)) == len(found)
    assert {one.stream_id for one in ledger.deliveries()} == {
        f"stream-{first + number}" for first in firsts for number in range(50)
    }


def test_flood_is_not_read_beyond_what_is_kept() -> None:
    """Of the refusals of one second as many are noted as are kept; the next second has its own."""
    ledger, now = MemoryLedger(LONG), [1_790_000_000.0]
    receiver = Receiver(ledger, Keyring((b"key",)), default(Policy), logs.write, lambda: now[0])
    body = json.dumps(packet("push")).encode()

    def post() -> None:
        receiver.answer(Request(body, None))

    for _ in range(FLOOD):
        post()
        now[0] += 0.5 / FLOOD
    assert len(ledger.deliveries()) == DELIVERIES_KEPT
    now[0] += 1
    post()
    assert ledger.deliveries()[0].received_at == now[0]
    assert ledger.deliveries()[0].attempts == DELIVERIES_KEPT


def test_a_flood_of_one_class_hides_no_other(open_ledger: Open) -> None:
    """An interruption stays among those kept, however many captures and refusals come after it."""
    ledger = open_ledger()
    ended = taken(1)._replace(event="interruption", said="errcode 12, client_network")
    recorded = taken(2)._replace(event="recording", said="2 h recorded")
    new = taken(3)._replace(event="a new event")
    for delivery in (ended, recorded, new):
        ledger.note(delivery)
    until(lambda: len(ledger.deliveries()) == 3, "they are there")
    for number in range(FLOOD):
        ledger.note(taken(10 + number)._replace(event="screencapture"))
        ledger.note(refused(10 + number))
    found = ledger.deliveries()
    assert set(found) >= {ended, recorded, new}
    assert len(found) == 3 + 2 * DELIVERIES_KEPT
