"""The simulator's lives: repeatable, of every kind, and meaning what they say."""

import functools
import itertools
from collections import Counter, defaultdict

import pytest
from support.families import families_of
from support.settings import LONG

from exporter.ledger.memory import MemoryLedger
from exporter.metrics.entries import entry_for
from exporter.protocol import events
from exporter.protocol.events import EVENT_NAMES
from exporter.simulator.callback import Callback, SimulatedStream
from exporter.simulator.check import compare
from exporter.simulator.expected import Expected
from exporter.simulator.gauges import Look
from exporter.simulator.habits import Habits
from exporter.simulator.hosts import Moment, RunningPush
from exporter.simulator.outgoing import Attempts
from exporter.simulator.push_packets import failed_push
from exporter.simulator.report import Report
from exporter.simulator.samples import sample, scale_of
from exporter.simulator.scenarios import SCENARIOS
from exporter.simulator.weights import ERRCODES, SOURCES, SentErrcode
from exporter.simulator.world import World

BEGAN_AT = 1_800_000_000.0


def played(seed: int, callbacks: int, habits: Habits | None = None) -> list[Callback]:
    """Return the first callbacks of a world, 50 in each second."""
    world = World(seed, BEGAN_AT, 60, habits or Habits())
    return [world.next(BEGAN_AT + number / 50) for number in range(callbacks)]


@functools.cache
def _long_run() -> tuple[World, list[Callback]]:
    return World(3, BEGAN_AT, 60, Habits()), []


def first(number: int) -> list[Callback]:
    """Return the first callbacks of a world that several tests look at, 50 in each second."""
    world, happened = _long_run()
    happened += [world.next(BEGAN_AT + n / 50) for n in range(len(happened), number)]
    return happened[:number]


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
    counts = Counter(callback.event for callback in first(20_000))
    assert set(counts) == set(EVENT_NAMES)


def test_sources_and_errcodes_are_many() -> None:
    """All sources are pushed to, and ends have many reasons, most of them harmless."""
    callbacks = played(4, 20_000, Habits(push_seconds=60, pause_seconds=10))
    domains = {callback.begins.stream.push_domain for callback in callbacks if callback.begins}
    assert domains == {source.push_domain for _, source in SOURCES}
    errcodes = Counter(c.packet["errcode"] for c in callbacks if c.event == "interruption")
    assert len(errcodes) > len(ERRCODES) / 2
    harmless = sum(errcodes[code] for code in (1, 2, 3, 4, 35))
    assert harmless > errcodes.total() / 2


def test_durations_are_heavy_tailed() -> None:
    """The longest fifth of pushes lasts more than half of all time."""
    ends = (c for c in first(30_000) if c.event == "interruption")
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
    parsed = (events.parse(callback.packet) for callback in first(20_000))
    identities = Counter(event.identity for event in parsed)
    assert identities.most_common(1)[0][1] == 1


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_meaning_agrees_with_the_exporter(scenario: str) -> None:
    """What a callback claims to mean is what the exporter's own ledger makes of it."""
    ledger, expected = MemoryLedger(LONG), Expected()
    chosen = SCENARIOS[scenario]
    world, incident = World(8, BEGAN_AT, 60, chosen.habits), chosen.incident()
    for number in range(2500):
        now = BEGAN_AT + number / 100
        incident.act(world, now, struck=1000 < number < 1500)
        callback = world.next(now)
        expected.settle(callback, Attempts(recorded=1))
        ledger.record(entry_for(events.parse(callback.packet)), now + 1)
    shown = {
        sample(one.name, **one.labels): one.value
        for metric in families_of(ledger.snapshot())
        for one in metric.samples
    }
    samples = expected.samples()
    after = {one: round(value * scale_of(one)) for one, value in shown.items() if one in samples}
    assert compare(Report(samples), Look(after, now, now)) == []
    assert len(samples) > 100


def test_an_outage_cuts_everybody_at_once() -> None:
    """The overseas outage interrupts every overseas push, and keeps them out until its end."""
    world = World(9, BEGAN_AT, 100, Habits())
    incident = SCENARIOS["overseas-outage"].incident()
    for _ in range(1000):
        world.next(BEGAN_AT)
    abroad = world.pushing_from("overseas")
    assert len(abroad) > 5
    incident.act(world, BEGAN_AT, struck=True)
    assert world.pending >= len(abroad)
    for _ in range(2000):
        incident.act(world, BEGAN_AT, struck=True)
        world.next(BEGAN_AT)
        assert not world.pushing_from("overseas")
    for number in itertools.count():
        incident.act(world, BEGAN_AT, struck=False)
        world.next(BEGAN_AT)
        if world.pushing_from("overseas"):
            break
        assert number < 5000


def test_a_channel_goes_dark_and_returns() -> None:
    """A named channel pushes until the incident, is away as long as it lasts, and comes back."""
    stream = SimulatedStream.of("Push.Example.com/live/channel/1")
    chosen = SCENARIOS["channel-dark"]
    world, incident = World(10, BEGAN_AT, 30, chosen.habits, [stream]), chosen.incident()
    (channel,) = world.channels()
    assert channel.stream == stream == ("push.example.com", "live", "channel/1")
    world.next(BEGAN_AT)
    for struck in (False, True, False):
        for _ in range(2000):
            incident.act(world, BEGAN_AT, struck=struck)
            world.next(BEGAN_AT)
            assert (channel.push is None) == struck


def test_a_scenario_names_its_own_channel() -> None:
    """Without a name the channel is one of this run alone."""
    habits = SCENARIOS["channel-dark"].habits
    first, second = (World(1, BEGAN_AT + later, 5, habits).channels()[0] for later in (0, 1))
    assert first.stream != second.stream
    assert not first.watched


def test_some_come_back_soon_and_some_do_not() -> None:
    """Of hosts that were dropped most push again within seconds, others are away for minutes."""
    world = World(11, BEGAN_AT, 200, Habits())
    dropped: dict[SimulatedStream, int] = {}
    absences = []
    for number in range(60_000):
        callback = world.next(BEGAN_AT + number / 100)
        if callback.ends and callback.ends.is_drop:
            dropped[callback.ends.stream] = callback.ends.ended_at_ms
        if callback.begins and (ended_at_ms := dropped.pop(callback.begins.stream, None)):
            absences.append((callback.begins.began_at_ms - ended_at_ms) / 1000)
    assert sum(2 < absence < 21 for absence in absences) > 20
    assert sum(absence > 85 for absence in absences) > 3
    assert len(world.pushing()) > 100


def test_pushes_of_one_stream_come_in_at_several_places() -> None:
    """Two pushes of one stream may have different set_id, one after another or side by side."""
    set_ids: dict[str, set[int | None]] = defaultdict(set)
    running: dict[str, set[str]] = defaultdict(set)
    most = 0
    for callback in first(40_000):
        packet = callback.packet
        if callback.begins:
            set_ids[packet["stream_id"]].add(packet.get("set_id"))
            running[packet["stream_id"]].add(packet["sequence"])
            most = max(most, len(running[packet["stream_id"]]))
        elif callback.ends:
            running[packet["stream_id"]].remove(packet["sequence"])
    assert sum(len(several) > 1 for several in set_ids.values()) > 10
    assert most >= 2


def test_times_are_spelled_in_every_way() -> None:
    """Now and then event_time has milliseconds or is text; of one stream no two begin at once."""
    spelled: Counter[str] = Counter()
    latest: dict[SimulatedStream, int] = {}
    for callback in first(20_000):
        if callback.begins:
            event_time = callback.packet["event_time"]
            began_at_ms = callback.begins.began_at_ms
            spelled[f"{type(event_time).__name__} {float(event_time) > 1e11}"] += 1
            assert float(event_time) in (began_at_ms, began_at_ms / 1000)
            assert began_at_ms > latest.get(callback.begins.stream, 0)
            latest[callback.begins.stream] = began_at_ms
    assert set(spelled) == {"int False", "int True", "float False", "str False"}
    assert spelled["int False"] > 0.7 * spelled.total()


def test_a_push_that_failed() -> None:
    """A push event whose errcode is not 0 opens nothing, and is counted by errcode and cause."""
    host = World(14, BEGAN_AT, 1, Habits()).hosts[0]
    push = RunningPush("17", host.entrance, 0.0, "rec17", 0.0, "203.0.113.7", (1280, 720))
    errcode = SentErrcode(18, "rejected", "push url maybe invalid")
    callback = failed_push(host, push, errcode, Moment(1_800_000_000_000, 1_800_000_000))
    assert callback.begins is None
    assert callback.ends is None
    assert callback.packet["errcode"] == 18
    assert (callback.packet["width"], callback.packet["height"]) == (0, 0)
    counted = sample(
        "tencent_css_push_failures_total", **host.labels, errcode="18", cause="rejected"
    )
    assert callback.additions == ((counted, 1),)
