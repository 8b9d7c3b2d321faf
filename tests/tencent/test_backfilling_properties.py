"""Whatever becomes of callbacks, backfill counts no event twice."""

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.tencent.desk import stream_client
from support.tencent.ledger import ReadLedger
from support.tencent.sending import entry_of, sent
from support.tencent.server import Double

from exporter.tencent.backfill import Backfill, Span

if TYPE_CHECKING:
    from support.tencent.world import Push

NOW = 1790100000.0
PAIR = ("push.example.com", "live")
LATEST_SECONDS = 16 * 60
"""12 retries, a minute and a time-out apart."""

HOW = st.sampled_from(("in time", "lost", "within the retries", "any time"))


class Story(NamedTuple):
    """A push: when it was, what became of its callbacks, which the list of callbacks shows."""

    name: str
    began: int
    lasted: int
    skew: int
    push: str
    interruption: str
    shown: frozenset[str]


STORIES = st.builds(
    Story,
    st.sampled_from(("camera-1", "camera-2")),
    st.sampled_from((0, 4, 600, 1200)) | st.integers(0, 2400),
    st.sampled_from((0, 3, 600)) | st.integers(0, 2400),
    st.sampled_from((0, 1, 2)),
    HOW,
    HOW,
    st.frozensets(st.sampled_from(("push", "interruption"))),
)


@given(
    st.lists(STORIES, min_size=1, max_size=5),
    st.lists(st.integers(0, 2 * 3600), min_size=1, max_size=3),
    st.booleans(),
)
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_event_is_ever_counted_twice(
    double: Double, stories: list[Story], runs: list[int], with_packets: bool
) -> None:
    """Whatever came, was lost, comes late, or is shown as a packet, and whenever it is run.

    A callback of which nothing was known comes within the platform's retries; one whose packet
    is shown, or that of the other end of its push came, may come at any time.
    """
    start = NOW - 4 * 3600
    now = start
    world = double.world
    world.clock = lambda: now
    world.pushes.clear()
    world.sent.clear()
    ledger = ReadLedger(lambda: now)
    happens: list[tuple[float, Push | None, str]] = [(start + at, None, "") for at in runs]
    for story in stories:
        push = world.begin(story.name, at=start + story.began)
        world.end(push, at=push.began_at + story.lasted)
        # What callbacks say is a little different from what the list says.
        called = replace(push, began_at=push.began_at + story.skew)
        for kind, how, at in (
            ("push", story.push, push.began_at),
            ("interruption", story.interruption, push.ended_at or 0),
        ):
            if kind in story.shown:
                world.sent.append(sent(called, kind))
            is_known = "in time" in (story.push, story.interruption)
            latest = 7200 if is_known else LATEST_SECONDS
            after = {"in time": 1, "within the retries": LATEST_SECONDS, "any time": latest}
            if how in after:
                happens.append((at + after[how], called, kind))
    for at, late, kind in sorted(happens, key=lambda one: one[0]):
        now = at
        if late:
            ledger.record(entry_of(late, kind), at)
            continue
        span = Span(int(start) - 3600, int(at))
        work = Backfill(stream_client(double), ledger, lambda _: None)
        items = work.plan([PAIR], span, at, with_packets=with_packets).items
        work.record([entry for item in items for entry in item.entries], at)
    assert ledger.counted()["push"] <= len(stories)
    assert ledger.counted()["interruption"] <= len(stories)
    for name in ("camera-1", "camera-2"):
        rows = [row for row in ledger.pushes() if row.stream[2] == name]
        assert len(rows) <= sum(push.stream_id == name for push in world.pushes)
