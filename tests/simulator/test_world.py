"""The simulator's lives: repeatable, of every kind, and meaning what they say."""

import itertools
from collections import Counter

import pytest
from support.settings import LONG

from exporter.ledger.memory import MemoryLedger
from exporter.metrics.entries import entry_for
from exporter.protocol import events
from exporter.protocol.events import EVENT_NAMES
from exporter.simulator.check import compare
from exporter.simulator.meaning import Callback, Sample
from exporter.simulator.mix import ERRCODES, SOURCES
from exporter.simulator.report import Report, scale_of
from exporter.simulator.scenarios import SCENARIOS
from exporter.simulator.truth import Fate, Truth
from exporter.simulator.world import Habits, World
from exporter.web.exposition import families_of

BEGAN_AT = 1_800_000_000.0


def played(seed: int, callbacks: int, habits: Habits | None = None) -> list[Callback]:
    """Return the first callbacks of a world, 50 in each second."""
    world = World(seed, BEGAN_AT, 60, habits or Habits())
    return [world.next(BEGAN_AT + number / 50) for number in range(callbacks)]


def test_same_seed_same_callbacks() -> None:
    """A seed decides everything; another seed decides otherwise."""
    assert played(1, 500) == played(1, 500)
    assert played(1, 500) != played(2, 500)


def test_another_time_another_run() -> None:
    """Two runs with one seed share neither sequences nor streams."""
    first, second = (World(1, BEGAN_AT + later, 5, Habits()) for later in (0, 1))
    assert not {host.stream_id for host in first.hosts} & {host.stream_id for host in second.hosts}
    one, other = first.next(BEGAN_AT).packet, second.next(BEGAN_AT).packet
    assert one["sequence"] != other["sequence"]


def test_every_event_happens() -> None:
    """Every event name of the exporter is played, the unknown one too."""
    counts = Counter(callback.event for callback in played(3, 20_000))
    assert set(counts) == set(EVENT_NAMES)


def test_sources_and_errcodes_are_many() -> None:
    """All sources are pushed to, and ends have many reasons, most of them harmless."""
    told = played(4, 20_000, Habits(push_seconds=60, pause_seconds=10))
    domains = {callback.begins.stream.push_domain for callback in told if callback.begins}
    assert domains == {source.push_domain for _, source in SOURCES}
    errcodes = Counter(c.packet["errcode"] for c in told if c.event == "interruption")
    assert len(errcodes) > len(ERRCODES) / 2
    harmless = sum(errcodes[code] for code in (1, 2, 3, 4, 35))
    assert harmless > errcodes.total() / 2


def test_durations_are_heavy_tailed() -> None:
    """The longest fifth of pushes lasts more than half of all time."""
    ends = (c for c in played(5, 30_000) if c.event == "interruption")
    durations = sorted(int(callback.packet["push_duration"]) for callback in ends)
    assert sum(durations[-len(durations) // 5 :]) > sum(durations) / 2


def test_evenings_are_lively() -> None:
    """With diurnal habits more hosts push at some hours than at others."""
    world = World(6, BEGAN_AT, 300, Habits(diurnal=True, capture_seconds=1e9))
    live = []
    for number in range(12_000):
        world.next(BEGAN_AT + number / 50)
        live.append(len(world.pushing()))
    settled = live[3000:]
    assert max(settled) > 1.3 * min(settled)


def test_identities_differ() -> None:
    """No two callbacks of a run have one identity by the exporter's rules."""
    identities = Counter(events.parse(callback.packet).identity for callback in played(7, 20_000))
    assert identities.most_common(1)[0][1] == 1


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_meaning_agrees_with_the_exporter(scenario: str) -> None:
    """What a callback claims to mean is what the exporter's own ledger makes of it."""
    ledger, truth = MemoryLedger(LONG), Truth()
    chosen = SCENARIOS[scenario]
    world, incident = World(8, BEGAN_AT, 60, chosen.habits), chosen.incident()
    for number in range(2500):
        now = BEGAN_AT + number / 100
        incident.act(world, now, struck=1000 < number < 1500)
        callback = world.next(now)
        truth.settle(callback, Fate(accepted=1))
        ledger.record(entry_for(events.parse(callback.packet)), now + 1)
    shown = {
        Sample(sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for metric in families_of(ledger.snapshot(), now)
        for sample in metric.samples
    }
    expected = truth.samples()
    after = {
        sample: round(value * scale_of(sample))
        for sample, value in shown.items()
        if sample in expected
    }
    assert compare(Report(expected), after) == []
    assert len(expected) > 100


def test_an_outage_cuts_everybody_at_once() -> None:
    """The overseas outage interrupts every overseas push, and keeps them out until its end."""
    world = World(9, BEGAN_AT, 100, Habits())
    incident = SCENARIOS["overseas-outage"].incident()
    for _ in range(1000):
        world.next(BEGAN_AT)
    abroad = [host for host in world.pushing() if host.source.origin == "overseas"]
    assert len(abroad) > 5
    incident.act(world, BEGAN_AT, struck=True)
    assert world.pending >= len(abroad)
    for _ in range(2000):
        incident.act(world, BEGAN_AT, struck=True)
        world.next(BEGAN_AT)
        assert not any(host.source.origin == "overseas" for host in world.pushing())
    for number in itertools.count():
        incident.act(world, BEGAN_AT, struck=False)
        world.next(BEGAN_AT)
        if any(host.source.origin == "overseas" for host in world.pushing()):
            break
        assert number < 5000
