"""Backfill on every kind of ledger: none counts an event twice, whatever comes when."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.ledgers import Open, numbers, opening
from support.settings import LONG
from support.tencent.lies import Lie, Reply
from support.tencent.outages import BEGAN, RUNS, STORIES, Run, Story, counted, fill, play
from support.tencent.sending import entry_of
from support.tencent.server import Double
from support.tencent.streams import moment
from support.tencent.world import utc

from exporter.ledger import Outcome
from exporter.ledger.memory import MemoryLedger
from exporter.tencent.errors import TencentError

EVER: dict[str, Any] = {"push_history_days": 36500.0, "push_idle_seconds": 0}
"""Nothing of the samples' time is forgotten."""

WITHOUT_FIXTURES = [HealthCheck.function_scoped_fixture]
HOUR = 3600


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
@given(stories=STORIES, runs=RUNS)
@settings(max_examples=30, deadline=None, suppress_health_check=WITHOUT_FIXTURES)
def test_every_ledger_counts_alike_and_nothing_twice(
    double: Double, kind: str, stories: list[Story], runs: list[Run]
) -> None:
    """As memory does, in any order of late callbacks and runs, with packets and without."""
    memory = MemoryLedger(replace(LONG, **EVER))
    play(double, memory, stories, runs)
    with tempfile.TemporaryDirectory() as directory, opening(kind, Path(directory)) as open_it:
        ledger = open_it(**EVER)
        play(double, ledger, stories, runs)
        assert numbers(ledger) == numbers(memory)
        found = counted(ledger)
    assert max(found.values()) <= len(stories)


FORGETFUL = st.fixed_dictionaries(
    {
        "push_history_days": st.sampled_from((0.0, 0.01, 0.05, 36500.0)),
        "push_history_rows": st.sampled_from((0, 1, 2, 1000)),
        "push_idle_seconds": st.sampled_from((0, 600, 3600)),
        "dedupe_seconds": st.just(24 * HOUR),
    }
)


@given(stories=STORIES, runs=RUNS, limits=FORGETFUL)
@settings(max_examples=400, deadline=None, suppress_health_check=WITHOUT_FIXTURES)
def test_a_ledger_that_forgets_counts_nothing_twice(
    double: Double, stories: list[Story], runs: list[Run], limits: dict[str, Any]
) -> None:
    """Pushes are pruned between all that happens, by their age and by their number."""
    ledger = MemoryLedger(replace(LONG, **limits))
    play(double, ledger, stories, [*runs, Run(6 * HOUR, with_packets=False)])
    assert max(counted(ledger).values()) <= len(stories)


def test_a_late_callback_meets_what_was_filled(open_ledger: Open, double: Double) -> None:
    """That of a push of which the other callback came, however late it is."""
    ledger = open_ledger(**EVER)
    push = double.world.begin("camera-1", at=BEGAN)
    double.world.end(push, at=BEGAN + HOUR)
    ledger.record(entry_of(push, "push"), BEGAN + 1)
    fill(double, ledger, BEGAN + 2 * HOUR, with_packets=False)
    assert counted(ledger) == {"push": 1, "interruption": 1}
    late = entry_of(push, "interruption")
    assert ledger.record(late, BEGAN + 20 * HOUR).outcome is Outcome.DUPLICATE
    fill(double, ledger, BEGAN + 21 * HOUR, with_packets=True)
    assert counted(ledger) == {"push": 1, "interruption": 1}


def test_an_outage_is_filled_whole(open_ledger: Open, double: Double) -> None:
    """Each push that was missed counts once, though it is asked for again and again."""
    ledger = open_ledger(**EVER)
    for number in range(300):
        push = double.world.begin(f"camera-{number % 7}", at=BEGAN + 180 * number)
        double.world.end(push, at=push.began_at + 150)
    for hours in (16, 17):
        fill(double, ledger, BEGAN + hours * HOUR, with_packets=hours == 17)
    assert counted(ledger) == {"push": 300, "interruption": 300}


def test_what_was_counted_and_forgotten_is_not_filled(double: Double) -> None:
    """A push that was closed as idle, and pruned, may still end; it is known by its beginning."""
    ledger = MemoryLedger(replace(LONG, push_idle_seconds=600, push_history_days=0.01))
    push = double.world.begin("camera-1", at=BEGAN)
    other = double.world.begin("camera-2", at=BEGAN + 5 * HOUR)
    for one in (push, other):
        double.world.end(one, at=BEGAN + 6 * HOUR)
    ledger.record(entry_of(push, "push"), BEGAN + 1)
    for _ in range(2):  # closed, then pruned
        ledger.record(entry_of(other, "push"), other.began_at)
    assert len(ledger.known_pushes([push.stream]).pushes) == 0
    fill(double, ledger, BEGAN + 7 * HOUR, with_packets=False)
    assert counted(ledger) == {"push": 2, "interruption": 1}


def shifted(hours: int) -> Lie:
    """Answer with times of another zone."""

    def shift(reply: Reply) -> None:
        for item in reply.response["EventList"]:
            for name in ("StreamStartTime", "StreamEndTime"):
                item[name] = utc(moment(item[name]) + hours * HOUR)

    return Lie(shift)


@pytest.mark.parametrize("hours", [-8, 8])
def test_a_list_of_other_times_fills_nothing(double: Double, hours: int) -> None:
    """What was called back is not in it: who knows what the rest of it means."""
    ledger = MemoryLedger(replace(LONG, **EVER))
    for number, name in enumerate(("camera-1", "camera-2")):
        push = double.world.begin(name, at=BEGAN + 9 * HOUR)
        double.world.end(push, at=BEGAN + 10 * HOUR)
        for kind in ("push", "interruption")[: 2 * number]:
            ledger.record(entry_of(push, kind), BEGAN + 10 * HOUR)
    double.lie(shifted(hours))
    with pytest.raises(TencentError, match=r"of 1 pushes .* list has 0: it is late, or its times"):
        fill(double, ledger, BEGAN + 20 * HOUR, with_packets=False)
    assert counted(ledger) == {"push": 1, "interruption": 1}
    fill(double, ledger, BEGAN + 20 * HOUR, with_packets=False)
    assert counted(ledger) == {"push": 2, "interruption": 2}


@pytest.mark.parametrize("end", ["", None])
def test_a_push_that_goes_on_may_be_listed(double: Double, end: str | None) -> None:
    """It is no document's word that it is not; the others are filled."""
    ledger = MemoryLedger(replace(LONG, **EVER))
    for name in ("camera-1", "camera-2"):
        push = double.world.begin(name, at=BEGAN)
        double.world.end(push, at=BEGAN + HOUR)
    double.lie(Lie(lambda reply: reply.response["EventList"][0].update(StreamEndTime=end)))
    fill(double, ledger, BEGAN + 3 * HOUR, with_packets=False)
    assert counted(ledger) == {"push": 1, "interruption": 1}
