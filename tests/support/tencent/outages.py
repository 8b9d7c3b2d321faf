"""Outages as properties make them up: pushes, what became of their callbacks, runs of backfill."""

import functools
from dataclasses import replace
from typing import NamedTuple

from hypothesis import strategies as st

from exporter.ledger import Ledger
from exporter.metrics import catalogue
from exporter.tencent.backfill import Backfill, Span
from exporter.tencent.calling import Patience
from exporter.tencent.streams import StreamClient
from support.ledgers import numbers
from support.tencent.desk import stream_client
from support.tencent.sending import entry_of, packet_of
from support.tencent.server import Double
from support.tencent.world import Push, Sent

PATIENT = Patience(read_seconds=10, call_seconds=20, pauses=(0.01,))
PAIR = ("push.example.com", "live")
BEGAN = 1790100000
LATEST_SECONDS = 16 * 60
"""So long after an event its callback may come, if none of its push has: the last retry."""

LONG_SECONDS = 3 * 3600
"""And so long at most if one has, as these outages go."""


class Fate(NamedTuple):
    """What becomes of a callback: after how many seconds it comes, None if it never does.

    ``is_shown``: its packet stands in the list of callbacks.
    """

    after: int | None
    is_shown: bool


class Story(NamedTuple):
    """A push: when it began and how long it lasted, and by how much callbacks differ from that."""

    stream_id: str
    began: int
    lasted: int
    skew: int
    push: Fate
    interruption: Fate


class Run(NamedTuple):
    """A run of backfill, so many seconds after the beginning of all."""

    at: int
    with_packets: bool


_FATES = st.builds(
    Fate,
    st.none() | st.sampled_from((1, LATEST_SECONDS)) | st.integers(1, LONG_SECONDS),
    st.booleans(),
)
STORIES = st.lists(
    st.builds(
        Story,
        st.sampled_from(("camera-1", "camera-2")),
        st.sampled_from((0, 4, 600, 1200)) | st.integers(0, 2400),
        st.sampled_from((0, 3, 600)) | st.integers(0, 2400),
        st.sampled_from((0, 1, 2)),
        _FATES,
        _FATES,
    ),
    min_size=1,
    max_size=5,
)
RUNS = st.lists(st.builds(Run, st.integers(0, 3 * 3600), st.booleans()), min_size=1, max_size=3)


def play(double: Double, ledger: Ledger, stories: list[Story], runs: list[Run]) -> None:
    """Let all of it happen in the order of its times."""
    world = double.world
    world.pushes.clear()
    world.sent.clear()
    happens: list[tuple[float, Push | Run, str]] = [(BEGAN + run.at, run, "") for run in runs]
    for story in stories:
        push = world.begin(story.stream_id, at=BEGAN + story.began)
        world.end(push, at=push.began_at + story.lasted)
        called = replace(push, began_at=push.began_at + story.skew)
        fates = (("push", story.push, push.began_at), ("interruption", story.interruption, 0))
        comes_early = any(fate.after == 1 for _, fate, _ in fates)
        for kind, fate, began_at in fates:
            at = began_at or push.ended_at or 0
            if fate.is_shown:
                text = str(packet_of(called, kind)).replace("'", '"')
                world.sent.append(Sent(called.stream_id, int(kind == "push"), at + 1, text, 503))
            if fate.after is not None:
                latest = LONG_SECONDS if comes_early else LATEST_SECONDS
                happens.append((at + min(fate.after, latest), called, kind))
    for now, one, kind in sorted(happens, key=lambda happening: happening[0]):
        if isinstance(one, Push):
            ledger.record(entry_of(one, kind), now)
        else:
            fill(double, ledger, now, with_packets=one.with_packets)


@functools.lru_cache(1)
def _client(double: Double) -> StreamClient:
    return stream_client(double, PATIENT)


def fill(double: Double, ledger: Ledger, now: float, *, with_packets: bool) -> None:
    """Run backfill over all that was until ``now``."""
    double.world.clock = lambda: now
    work = Backfill(_client(double), ledger, lambda _: None)
    plan = work.plan([PAIR], Span(BEGAN - 3600, int(now)), now, with_packets=with_packets)
    recorded = work.record(plan.entries, now)
    assert recorded.failure is None


def counted(ledger: Ledger) -> dict[str, int]:
    """Return how many pushes and interruptions were counted."""
    found = {"push": 0, "interruption": 0}
    for (family, *_), number in numbers(ledger).items():
        if family == catalogue.PUSHES.name:
            found["push"] += number
        elif family == catalogue.INTERRUPTIONS.name:
            found["interruption"] += number
    return found
