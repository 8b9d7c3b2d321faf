"""What two rounds prove, and what they do not."""

from collections.abc import Iterable

import pytest

from exporter.ledger import Online, OpenPush
from exporter.protocol.vocabulary import Stream
from exporter.tencent.planning import FEW, Open, Proven, Sight, missing, proven

PAIR = ("push.example.com", "live")


def stream(number: int = 1) -> Stream:
    return (*PAIR, f"camera-{number}")


def push(name: str, of: Stream, heard_at_ms: int = 5) -> OpenPush:
    return OpenPush(of, name.encode(), 1, heard_at_ms)


def opened(*pushes: OpenPush) -> Open:
    return {
        one.stream: [other for other in pushes if other.stream == one.stream] for one in pushes
    }


def listed(
    *streams: Stream, began_at_ms: Iterable[int] = (1000,)
) -> dict[Stream, tuple[int, ...]]:
    return {one: tuple(began_at_ms) for one in streams}


ONE = opened(push("a", stream()))
EMPTY = Sight(ONE, {PAIR: {}})
GONE = Proven([], [push("a", stream())])


def test_two_lists_and_the_state_prove_that_a_stream_is_gone() -> None:
    """All its pushes with it, and not one more."""
    two = opened(push("a", stream()), push("b", stream()), push("c", stream(2)))
    sight = Sight(two, {PAIR: listed(stream(2))})
    assert missing(sight, sight) == [stream()]
    assert proven(sight, sight, {stream()}) == Proven(
        [], [push("a", stream()), push("b", stream())]
    )


@pytest.mark.parametrize(
    ("before", "now", "inactive"),
    [
        (Sight(), EMPTY, {stream()}),
        (Sight(ONE, {}), EMPTY, {stream()}),
        (EMPTY, Sight(ONE, {}), {stream()}),
        (Sight(ONE, {PAIR: listed(stream())}), EMPTY, {stream()}),
        (EMPTY, Sight(ONE, {PAIR: listed(stream())}), {stream()}),
        (Sight(ONE, {("other.example.com", "live"): {}}), EMPTY, {stream()}),
        (Sight({}, {PAIR: {}}), EMPTY, {stream()}),
        (EMPTY, EMPTY, set()),
        (EMPTY, EMPTY, {stream(2)}),
        (EMPTY, Sight(opened(push("a", stream(), 6)), {PAIR: {}}), {stream()}),
        (EMPTY, Sight(opened(push("a", stream()), push("b", stream())), {PAIR: {}}), {stream()}),
    ],
    ids=[
        "the first round",
        "no list before",
        "no list now",
        "in the list before",
        "in the list now",
        "the list of another pair",
        "not open when the first list was asked for",
        "state not asked, or another",
        "the state of another stream",
        "heard of since",
        "a push of the stream began since",
    ],
)
def test_nothing_less_does(before: Sight, now: Sight, inactive: set[Stream]) -> None:
    """Each of these is one piece short."""
    assert proven(before, now, inactive) == Proven([], [])


def test_a_push_that_ended_since_is_no_obstacle() -> None:
    """One of two was interrupted in between."""
    before = Sight(opened(push("a", stream()), push("b", stream())), {PAIR: {}})
    assert proven(before, EMPTY, {stream()}) == GONE


def test_two_lists_prove_that_a_stream_is_there() -> None:
    """It begins when its newest push did."""
    there = Sight({}, {PAIR: listed(stream(), began_at_ms=(1000, 3000, 2000))})
    assert proven(there, there, set()) == Proven([Online(stream(), 3000)], [])


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (Sight(), Sight({}, {PAIR: listed(stream())})),
        (Sight({}, {PAIR: {}}), Sight({}, {PAIR: listed(stream())})),
        (Sight({}, {PAIR: listed(stream())}), Sight({}, {PAIR: {}})),
        (Sight(ONE, {PAIR: listed(stream())}), Sight({}, {PAIR: listed(stream())})),
        (Sight({}, {PAIR: listed(stream())}), Sight(ONE, {PAIR: listed(stream())})),
        (
            Sight({}, {PAIR: listed(stream())}),
            Sight({}, {PAIR: listed(stream(), began_at_ms=())}),
        ),
    ],
    ids=[
        "the first round",
        "not in the list before",
        "not in the list now",
        "known before",
        "known now",
        "nobody knows since when",
    ],
)
def test_less_does_not_prove_that_it_is_there(before: Sight, now: Sight) -> None:
    """An interruption may just have come, or a push event."""
    assert proven(before, now, set()) == Proven([], [])


@pytest.mark.parametrize(
    ("closing", "staying", "is_withheld"),
    [
        (FEW, 0, False),
        (FEW + 1, 0, True),
        (FEW + 1, 2 * (FEW + 1) - 1, True),
        (FEW + 1, 2 * (FEW + 1), False),
        (100, 199, True),
        (100, 200, False),
    ],
)
def test_more_than_a_third_at_once_is_withheld(
    closing: int, staying: int, is_withheld: bool
) -> None:
    """A few may always go, and what is to be opened is opened."""
    streams = [stream(number) for number in range(closing + staying)]
    online = {PAIR: listed(*streams[closing:], stream(1000))}
    sight = Sight(opened(*(push(str(one), one) for one in streams)), online)
    plan = proven(sight, sight, set(streams[:closing]))
    assert (len(plan.closed), plan.withheld) == ((0, closing) if is_withheld else (closing, 0))
    assert [one.stream for one in plan.opened] == [stream(1000)]
