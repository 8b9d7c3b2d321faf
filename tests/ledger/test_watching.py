"""Which streams are watched, what is shown of them, and how long ended pushes are kept."""

import time

from support.ledgers import Open, entry, numbers, value
from support.packets import SOURCE

from exporter.ledger import Ledger, Outcome
from exporter.metrics import catalogue as c
from exporter.metrics.entries import Entry

CAMERA = (*SOURCE, "camera-7")
NOW = int(time.time())


def _push(sequence: str, ago: int, **fields: object) -> Entry:
    return entry("push", sequence=sequence, event_time=NOW - ago, **fields)


def _ended(sequence: str, ago: int, errcode: int = 12, **fields: object) -> Entry:
    own = {"errcode": errcode, "push_duration": 1000, "event_time": NOW - ago}
    return entry("interruption", sequence=sequence, **own, **fields)


def _record(ledger: Ledger, *entries: Entry) -> None:
    for one in entries:
        ledger.record(one, NOW)


def test_history_is_bounded_and_packets_stay_known(open_ledger: Open) -> None:
    """Ended pushes beyond the limit go, open ones stay, and both recognise redeliveries."""
    ledger = open_ledger(push_history_rows=1)
    both = [(_push(str(n), 900 - n), _ended(str(n), 500 - n)) for n in range(3)]
    _record(ledger, *(one for pair in both for one in pair))
    _record(ledger, _push("open", 10))
    deadline = time.monotonic() + 30
    while len(_kept(ledger)) > 2 and time.monotonic() < deadline:
        ledger.record(entry("recording", file_id=str(time.monotonic())), time.time())
        time.sleep(0.2)
    assert _kept(ledger) == ["open", "2"]
    for one in (*both[0], *both[2]):
        assert ledger.record(one, NOW).outcome is Outcome.DUPLICATE
    assert value(ledger, c.OPEN_PUSHES) == 1


def test_a_named_stream_is_there_from_the_start(open_ledger: Open) -> None:
    """At 0 before any packet; then its state, its last change, its ends by cause."""
    ledger = open_ledger(watched_streams=(CAMERA,))
    shown = {(cell.family, *cell.labels): cell.value for cell in ledger.snapshot().cells}
    assert shown[c.WATCHED_ACTIVE.name, *CAMERA] == 0
    assert shown[c.WATCHED_LAST_CHANGE.name, *CAMERA] == 0
    assert shown[c.WATCHED_INTERRUPTIONS.name, *CAMERA, "platform"] == 0
    _record(ledger, _push("1", 100), _push("other", 100, stream_id="camera-8"))
    assert value(ledger, c.WATCHED_ACTIVE, *CAMERA) == 1
    assert value(ledger, c.WATCHED_LAST_CHANGE, *CAMERA) == (NOW - 100) * 1000
    _record(ledger, _ended("1", 50), _ended("1", 50))
    assert value(ledger, c.WATCHED_ACTIVE, *CAMERA) == 0
    assert value(ledger, c.WATCHED_LAST_CHANGE, *CAMERA) == (NOW - 50) * 1000
    assert value(ledger, c.WATCHED_INTERRUPTIONS, *CAMERA, "client_network") == 1
    assert not [key for key in numbers(ledger) if "camera-8" in key]


def test_a_pattern_watches_what_comes_while_there_is_room(open_durable: Open) -> None:
    """Which streams is remembered, over a restart too; a name always has its place."""
    limits = {
        "watched_streams": (("*", "stage", "a*"), (*SOURCE, "named")),
        "max_watched_streams": 3,
    }
    ledger = open_durable(**limits)
    _record(
        ledger, *(_push(name, 100, stream_id=name) for name in ("b1", "a1", "a2", "a3", "named"))
    )
    expected = {"a1", "a2", "named"}
    assert _watched(ledger) == expected
    ledger.close()
    ledger = open_durable(**limits)
    _record(ledger, _push("x", 90, stream_id="a4"))
    assert _watched(ledger) == expected
    ledger.close()
    ledger = open_durable(**{**limits, "watched_streams": ((*SOURCE, "named"),)})
    assert _watched(ledger) == {"named"}


def _watched(ledger: Ledger) -> set[str]:
    return {
        cell.labels[2] for cell in ledger.snapshot().cells if cell.family == c.WATCHED_ACTIVE.name
    }


def _kept(ledger: Ledger) -> list[str | None]:
    return [push.sequence for push in ledger.pushes_of(CAMERA, 10).pushes]
