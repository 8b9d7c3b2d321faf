"""Backfill against the double: what the lists say is recorded, and nothing twice."""

import json
from collections.abc import Callable
from urllib.parse import quote_plus

import pytest
from support.ledgers import numbers, value
from support.tencent import lies
from support.tencent.desk import stream_client
from support.tencent.ledger import ReadLedger
from support.tencent.sending import entry_of, packet_of, sent
from support.tencent.server import Double
from support.tencent.world import Push

from exporter.ledger import Outcome
from exporter.metrics import catalogue
from exporter.tencent import streams
from exporter.tencent.backfill import DAY, Backfill, BackfillPlan, Span
from exporter.tencent.errors import ApiError
from exporter.tencent.matching import RETRY_SECONDS, Doubt

NOW = 1790100000.0
PAIR = ("push.example.com", "live")
SPAN = Span(int(NOW) - 6 * 3600, int(NOW))
EVENTS = "DescribeLiveStreamEventList"
RECORDS = "DescribeCallbackRecordsList"


@pytest.fixture
def world(double: Double) -> Double:
    """Return the double in a world in which it is ``NOW``."""
    double.world.clock = lambda: NOW
    return double


@pytest.fixture
def ledger() -> ReadLedger:
    return ReadLedger(lambda: NOW)


def pushed(double: Double, name: str = "camera-1", began_ago: float = 7200.25) -> Push:
    """Return a push that lasted an hour."""
    push = double.world.begin(name, at=NOW - began_ago)
    double.world.end(push, at=NOW - began_ago + 3600)
    return push


def plan(double: Double, ledger: ReadLedger, *, packets: bool = False) -> BackfillPlan:
    work = Backfill(stream_client(double), ledger, lambda _: None)
    return work.plan([PAIR], SPAN, NOW, with_packets=packets)


def apply(double: Double, ledger: ReadLedger, *, packets: bool = False) -> list[str]:
    """Plan and record; return the names of the events recorded."""
    entries = [
        entry for item in plan(double, ledger, packets=packets).items for entry in item.entries
    ]
    recorded = Backfill(stream_client(double), ledger, lambda _: None).record(entries, NOW)
    assert (recorded.new, recorded.known, recorded.failure) == (len(entries), 0, None)
    return [entry.event for entry in entries]


def test_what_never_came_is_recorded_from_the_list(world: Double, ledger: ReadLedger) -> None:
    """With its times and length; of the reason nothing is known."""
    push = pushed(world)
    assert apply(world, ledger) == ["push", "interruption"]
    assert ledger.counted() == {"push": 1, "interruption": 1}
    assert ledger.count(catalogue.INTERRUPTIONS, *PAIR, "unknown", "other", "unknown") == 1
    assert value(ledger, catalogue.PUSH_DURATION, *PAIR, "unknown", cell="sum") == 3600 * 1000
    (row,) = ledger.pushes()
    assert (row.stream, row.began_at_ms) == (push.stream, int(push.began_at) * 1000)
    assert row.ended_at_ms == int(push.ended_at or 0) * 1000
    assert apply(world, ledger) == []


def test_no_callback_is_counted_where_none_came(world: Double, ledger: ReadLedger) -> None:
    """Neither as received, nor as late: an alert on silence must not fall silent."""
    pushed(world)
    apply(world, ledger)
    families = {family for family, *_ in numbers(ledger)}
    of_events = (catalogue.PUSHES, catalogue.INTERRUPTIONS, catalogue.PUSH_DURATION)
    of_places = (catalogue.SOURCES, catalogue.SERIES)
    assert families == {family.name for family in (*of_events, *of_places)}


@pytest.mark.parametrize("lost", ["push", "interruption"])
def test_a_late_callback_meets_what_was_recorded(
    world: Double, ledger: ReadLedger, lost: str
) -> None:
    """Its identity was known from the other callback of the push."""
    push = pushed(world)
    (came,) = {"push", "interruption"} - {lost}
    ledger.record(entry_of(push, came), NOW)
    assert apply(world, ledger) == [lost]
    assert ledger.record(entry_of(push, lost), NOW).outcome is Outcome.DUPLICATE
    assert ledger.counted() == {"push": 1, "interruption": 1}
    assert len(ledger.pushes()) == 1


@pytest.mark.parametrize(
    "written",
    [
        lambda text: text,
        lambda text: quote_plus(f"opensso  server=10.12.1.1: {text}"),
        lambda text: f"POST /callback {text}",
    ],
    ids=["the packet", "encoded, as in a sample of 2020", "behind other words"],
)
def test_a_packet_that_is_shown_is_recorded_itself(
    world: Double, ledger: ReadLedger, written: Callable[[str], str]
) -> None:
    """So the callback meets it whenever it comes, with its true errcode."""
    push = pushed(world)
    for kind in ("push", "interruption"):
        text = written(json.dumps(packet_of(push, kind)))
        world.world.sent += [sent(push, kind, text)] * 2
    assert apply(world, ledger, packets=True) == ["push", "interruption"]
    assert ledger.count(catalogue.INTERRUPTIONS, *PAIR, "mainland", "1", "client_stop") == 1
    for kind in ("push", "interruption"):
        assert ledger.record(entry_of(push, kind), NOW).outcome is Outcome.DUPLICATE
    assert apply(world, ledger, packets=True) == []


@pytest.mark.parametrize(
    "request_text",
    ["", "{", "{}", "nothing", "%7B", '{"event_type": 0}', '{"a":' * 2000, "[1]", '{"x"}'],
)
def test_a_request_that_is_no_packet_is_left_out(
    world: Double, ledger: ReadLedger, request_text: str
) -> None:
    """Then the list must do."""
    push = pushed(world)
    world.world.sent.append(sent(push, "interruption", request_text))
    assert apply(world, ledger, packets=True) == ["push", "interruption"]


def test_packets_of_others_are_not_recorded(world: Double, ledger: ReadLedger) -> None:
    """A stream of the same name on another push domain, and a push that is not in the list."""
    push = pushed(world)
    other = Push("other.example.com", "live", push.stream_id, "77", push.began_at, push.ended_at)
    unlisted = Push(*push.stream, "78", push.began_at + 600, (push.ended_at or 0) - 600)
    for one in (other, unlisted):
        world.world.sent += [sent(one, "push"), sent(one, "interruption")]
    apply(world, ledger, packets=True)
    assert {row.stream for row in ledger.pushes()} == {push.stream}
    assert len(ledger.pushes()) == 1


def test_without_the_list_of_callbacks_the_event_list_does(
    world: Double, ledger: ReadLedger
) -> None:
    """It is said why."""
    pushed(world)
    world.lie(lies.refuse("UnauthorizedOperation"), RECORDS)
    found = plan(world, ledger, packets=True)
    assert "Allow live:DescribeCallbackRecordsList" in (found.without_packets or "")
    assert [entry.event for item in found.items for entry in item.entries] == [
        "push",
        "interruption",
    ]


@pytest.mark.parametrize(
    "lie",
    [
        lies.refuse("InternalError"),
        lies.fields(EventList=None),
        lies.short("EventList"),
        lies.fields(EventList=[{}]),
        lies.error_with_charset("FailedOperation"),
    ],
)
def test_a_list_that_is_not_whole_is_none(
    world: Double, ledger: ReadLedger, lie: lies.Lie
) -> None:
    """Nothing is planned, rather than half of it."""
    pushed(world)
    world.lie(lie, EVENTS)
    with pytest.raises(ApiError):
        plan(world, ledger)


def test_a_list_that_is_too_long_is_asked_for_in_parts(
    world: Double, ledger: ReadLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The API says nothing of what it leaves out."""
    monkeypatch.setattr(streams, "MOST_EVENTS", 10)
    for number in range(35):
        pushed(world, f"camera-{number}", began_ago=7200 + 60 * number)
    assert len(plan(world, ledger).items) == 35
    for number in range(12):
        pushed(world, f"other-{number}", began_ago=7200)
    with pytest.raises(ApiError, match="too many"):
        plan(world, ledger)


def test_long_spans_are_asked_for_in_parts(world: Double, ledger: ReadLedger) -> None:
    """A month at a time, and not from before the API knows anything."""
    work = Backfill(stream_client(world), ledger, lambda _: None)
    old = pushed(world, began_ago=50 * DAY)
    items = work.plan([PAIR], Span(int(NOW) - 60 * DAY, int(NOW)), NOW, with_packets=False).items
    assert [item.match.listed.stream for item in items] == [old.stream]
    assert world.actions() == [EVENTS] * 3


def test_only_pushes_that_ended_in_the_span_are_looked_at(
    world: Double, ledger: ReadLedger
) -> None:
    """The list may go by beginnings: it is asked for from a day earlier."""
    pushed(world, "before", began_ago=12 * 3600)
    pushed(world, "within")
    assert [item.match.listed.stream[2] for item in plan(world, ledger).items] == ["within"]


def test_callbacks_that_may_still_come_are_waited_for(world: Double, ledger: ReadLedger) -> None:
    """Those of a push that ended just now."""
    push = world.world.begin(at=NOW - 7200)
    world.world.end(push, at=NOW - RETRY_SECONDS + 60)
    (item,) = plan(world, ledger).items
    assert (item.match.doubt, item.entries) == (Doubt.RECENT, [])
