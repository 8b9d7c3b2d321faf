"""Pushes that the platform's lists open and close, in every ledger."""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.ledgers import KINDS, Numbers, Open, entry, numbers, opening, value
from support.programs import until

from exporter.ledger import Changes, Ledger, Online, OpenPush, Reconciled
from exporter.ledger.history import StreamQuery
from exporter.metrics import catalogue as c
from exporter.metrics.entries import Entry

STREAM = ("live.test.example", "stage", "camera-7")
SOURCE = STREAM[:2]
PUSH, INTERRUPTION = entry("push"), entry("interruption")
BEGAN_MS = 1790000000_000
ONLINE = Online(STREAM, BEGAN_MS - 500)
LATER = Online(STREAM, BEGAN_MS + 600_000)
NOW = 1790000001.0


def close_all(ledger: Ledger) -> Reconciled:
    return ledger.reconcile(Changes((), ledger.open_pushes()))


def active(ledger: Ledger, origin: str = "mainland", source: Sequence[str] = SOURCE) -> int:
    return value(ledger, c.ACTIVE_STREAMS, *source, origin)


def test_open_pushes_are_returned(open_ledger: Open) -> None:
    """Each with what it is known by, until it ends."""
    ledger = open_ledger()
    assert not ledger.open_pushes()
    ledger.record(PUSH, NOW)
    (push,) = ledger.open_pushes()
    assert push[:3] == (STREAM, PUSH.identity, BEGAN_MS)
    ledger.record(INTERRUPTION, NOW)
    assert not ledger.open_pushes()


def test_a_push_is_closed(open_ledger: Open) -> None:
    """It counts as expired; its interruption counts if it comes after all."""
    ledger = open_ledger()
    ledger.record(PUSH, NOW)
    assert close_all(ledger) == Reconciled(0, 1)
    assert active(ledger) == value(ledger, c.OPEN_PUSHES) == 0
    assert value(ledger, c.EXPIRED_PUSHES, *SOURCE, "reconciled") == 1
    assert value(ledger, c.RECONCILED, "closed") == 1
    assert ledger.record(INTERRUPTION, NOW).outcome == "accepted"
    assert ledger.record(INTERRUPTION, NOW).outcome == "duplicate"
    assert ledger.record(PUSH, NOW).outcome == "duplicate"
    assert value(ledger, c.INTERRUPTIONS, *SOURCE, "mainland", "1", "client_stop") == 1
    assert value(ledger, c.OPEN_PUSHES) == 0


@pytest.mark.parametrize("why", ["heard of since", "interrupted", "not known"])
def test_a_push_is_not_closed(open_ledger: Open, why: str) -> None:
    """Whatever has become of it since it was seen."""
    ledger = open_ledger()
    ledger.record(PUSH, NOW)
    (seen,) = ledger.open_pushes()
    if why == "heard of since":
        seen = seen._replace(heard_at_ms=seen.heard_at_ms - 1)
    elif why == "interrupted":
        ledger.record(INTERRUPTION, NOW)
    else:
        seen = seen._replace(identity=b"another")
    before = numbers(ledger)
    assert ledger.reconcile(Changes((), [seen])) == Reconciled(0, 0)
    assert numbers(ledger) == before


def test_a_stream_is_opened(open_ledger: Open) -> None:
    """Of unknown origin; its push event takes the place, and counts."""
    ledger = open_ledger()
    assert ledger.reconcile(Changes([ONLINE])) == Reconciled(1, 0)
    assert active(ledger, "unknown") == value(ledger, c.OPEN_PUSHES) == 1
    assert value(ledger, c.RECONCILED, "opened") == 1
    assert ledger.record(PUSH, NOW).outcome == "accepted"
    assert active(ledger, "unknown") == 0
    assert active(ledger) == value(ledger, c.OPEN_PUSHES) == 1
    assert value(ledger, c.PUSHES, *SOURCE, "mainland") == 1
    (push,) = ledger.open_pushes()
    assert push.identity == PUSH.identity


def test_an_interruption_ends_what_was_opened(open_ledger: Open) -> None:
    """Though its push event never came."""
    ledger = open_ledger()
    ledger.reconcile(Changes([ONLINE]))
    ledger.record(INTERRUPTION, NOW)
    assert active(ledger, "unknown") == value(ledger, c.OPEN_PUSHES) == 0
    assert len(ledger.pushes_of(STREAM, 10).pushes) == 1


def test_another_push_joins_nothing(open_ledger: Open) -> None:
    """One that began long before the one of the list is another one."""
    ledger = open_ledger()
    ledger.reconcile(Changes([LATER]))
    ledger.record(PUSH, NOW)
    assert value(ledger, c.OPEN_PUSHES) == 2


def test_a_stream_that_is_active_is_not_opened(open_ledger: Open) -> None:
    """By an event, or a list."""
    ledger = open_ledger()
    ledger.record(PUSH, NOW)
    assert ledger.reconcile(Changes([ONLINE])) == Reconciled(0, 0)
    close_all(ledger)
    assert ledger.reconcile(Changes([ONLINE, LATER])) == Reconciled(1, 0)


def test_a_stream_may_come_and_go(open_ledger: Open) -> None:
    """In the list, with the same beginning."""
    ledger = open_ledger()
    for _ in range(2):
        assert ledger.reconcile(Changes([ONLINE])) == Reconciled(1, 0)
        assert active(ledger, "unknown") == value(ledger, c.OPEN_PUSHES) == 1
        assert close_all(ledger) == Reconciled(0, 1)
        assert active(ledger, "unknown") == value(ledger, c.OPEN_PUSHES) == 0


def test_more_than_a_statement_takes(open_ledger: Open) -> None:
    """Hundreds of streams at once."""
    ledger = open_ledger()
    many = [Online((*SOURCE, f"camera-{number}"), BEGAN_MS) for number in range(450)]
    assert ledger.reconcile(Changes(many)) == Reconciled(450, 0)
    assert active(ledger, "unknown") == 450
    assert close_all(ledger) == Reconciled(0, 450)
    assert active(ledger, "unknown") == 0


def test_sources_and_series_stay_bounded(open_ledger: Open) -> None:
    """What is one too many is active under other, and is no callback that overflowed."""
    ledger = open_ledger(max_sources=1)
    ledger.record(PUSH, NOW)
    ledger.reconcile(Changes([Online(("other.example", "stage", "a"), BEGAN_MS)]))
    assert active(ledger, "unknown", ("other", "other")) == 1
    assert value(ledger, c.OVERFLOWED_SOURCES) == 0


def test_watched_streams_change(open_ledger: Open) -> None:
    """One named, one that a pattern admits, opened and closed."""
    pattern = ("other.example", "*", "*")
    ledger = open_ledger(watched_streams=(STREAM, pattern))
    other = ("other.example", "stage", "a")
    ledger.reconcile(Changes([ONLINE, Online(other, BEGAN_MS)]))
    changed = [value(ledger, c.WATCHED_LAST_CHANGE, *one) for one in (STREAM, other)]
    assert changed == [ONLINE.began_at_ms, BEGAN_MS]
    assert value(ledger, c.WATCHED_ACTIVE, *other) == 1
    close_all(ledger)
    assert value(ledger, c.WATCHED_ACTIVE, *other) == 0
    assert value(ledger, c.WATCHED_LAST_CHANGE, *other) > BEGAN_MS


def test_a_lease_has_one_holder(open_ledger: Open) -> None:
    """Until it is given back, or ends."""
    ledger = open_ledger()
    assert ledger.lease("a", "first", 60)
    assert not ledger.lease("a", "second", 60)
    assert ledger.lease("b", "second", 60)
    assert not ledger.lease("a", "second", 0)
    assert ledger.lease("a", "first", 60)
    assert ledger.lease("a", "first", 0)
    until(lambda: ledger.lease("a", "second", 0.2), "it was given back")
    until(lambda: ledger.lease("a", "first", 60), "it has ended")


def test_a_lease_that_ends_too_late_counts_for_nothing(open_ledger: Open) -> None:
    """A clock that had gone wrong made it."""
    ledger = open_ledger()
    assert ledger.lease("a", "first", 1e6)
    assert ledger.lease("a", "second", 60)


STREAMS = [("live.test.example", "stage", name) for name in ("camera-7", "camera-8")]


def entries() -> list[Entry]:
    """Return the events of four pushes of two streams."""
    return [
        entry(kind, stream_id=stream_id, sequence=str(number), event_time=1790000000 + after)
        for number, (stream_id, began) in enumerate(
            [("camera-7", 0), ("camera-7", 90), ("camera-8", 10), ("camera-8", 10)]
        )
        for kind, after in (("push", began), ("interruption", began + 60))
    ]


OPENED = [Online(stream, BEGAN_MS + after) for stream in STREAMS for after in (0, 45_000)]
STEPS = st.lists(
    st.one_of(
        st.sampled_from(entries()), st.sampled_from(OPENED), st.just("close"), st.just("seen")
    ),
    min_size=1,
    max_size=14,
)


def after(kind: str, steps: Sequence[Any]) -> tuple[Numbers, Any]:
    """Return what a new ledger shows after steps, times of our own clock apart."""
    with tempfile.TemporaryDirectory() as directory, opening(kind, Path(directory)) as open_it:
        ledger = open_it(push_history_days=1e5)
        seen: Sequence[OpenPush] = ()
        for step in steps:
            if isinstance(step, Online):
                ledger.reconcile(Changes([step]))
            elif step == "close":
                ledger.reconcile(Changes((), seen))
            elif step == "seen":
                seen = ledger.open_pushes()
                time.sleep(0.002)  # what is heard of later is so by the clock
            else:
                ledger.record(step, NOW)
        rows = ledger.streams(StreamQuery()).streams
        shown = sorted((one.push.stream, one.state, one.push.began_at_ms) for one in rows)
        return numbers(ledger, c.DELAY.name, c.LAST_CALLBACK.name), shown


@settings(max_examples=40, deadline=None)
@given(STEPS)
def test_every_ledger_comes_to_the_same(steps: list[Any]) -> None:
    """Of events and lists in any order."""
    assert after("sqlite", steps) == after("memory", steps)


@settings(max_examples=15, deadline=None)
@given(STEPS)
def test_postgres_comes_to_the_same(steps: list[Any]) -> None:
    """Fewer examples: each needs a database of its own."""
    assert after("postgres", steps) == after("memory", steps)


@settings(max_examples=25, deadline=None)
@given(STEPS)
@pytest.mark.parametrize("kind", sorted(name for name in KINDS if name != "postgres"))
def test_gauges_are_what_the_rows_are(kind: str, steps: list[Any]) -> None:
    """Open pushes and active streams are counted up and down, and never drift."""
    shown, _ = after(kind, [*steps, "seen", "close"])
    assert shown.get((c.OPEN_PUSHES.name, ""), 0) == 0
    assert not any(key[0] == c.ACTIVE_STREAMS.name for key in shown)
