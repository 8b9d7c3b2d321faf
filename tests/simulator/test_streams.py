"""Which streams are active, dropped and watched, and what gauges must show when one looks."""

from collections.abc import Iterable, Mapping
from itertools import permutations

import pytest

from exporter.daemon.settings import Settings
from exporter.metrics import catalogue
from exporter.simulator.callback import Callback, PushBegun, PushEnded, SimulatedStream
from exporter.simulator.check import compare
from exporter.simulator.gauges import DROPPED, Drop, Look, Watched, Window
from exporter.simulator.report import Report
from exporter.simulator.samples import Sample, sample
from exporter.simulator.streams import Streams

STREAM = SimulatedStream("push.example.com", "live", "room1")
AT = 1_800_000_000


def began(sequence: str, second: int, origin: str = "mainland") -> Callback:
    """Return a push that began so many seconds after ``AT``."""
    return Callback("push", {}, begins=PushBegun(sequence, STREAM, origin, (AT + second) * 1000))


def ended(sequence: str, second: int, cause: str, origin: str = "mainland") -> Callback:
    """Return the end of a push, so many seconds after ``AT``."""
    end = PushEnded(sequence, STREAM, origin, (AT + second) * 1000, cause)
    return Callback("interruption", {}, ends=end)


def streams_of(callbacks: Iterable[Callback], perhaps: Iterable[Callback] = ()) -> Streams:
    """Return what is known after callbacks, some of which only may have been recorded."""
    streams = Streams()
    for callback in callbacks:
        streams.count(callback)
    for callback in perhaps:
        streams.count_perhaps(callback)
    return streams


FIRST = (began("1", 0), ended("1", 100, "client_network"))


@pytest.mark.parametrize(
    ("callbacks", "drops"),
    [
        (FIRST, [Drop(STREAM, "mainland", (AT + 100) * 1000)]),
        ((*FIRST, began("2", 110)), []),
        ((*FIRST, began("2", 110), ended("2", 120, "client_stop")), []),
        ((*FIRST, began("2", 110), ended("2", 120, "operator")), []),
        (
            (*FIRST, began("2", 50, "overseas"), ended("2", 130, "platform", "overseas")),
            [Drop(STREAM, "overseas", (AT + 130) * 1000)],
        ),
        # The newest push is the one that began last, not the one that ended last.
        ((*FIRST, began("2", 50), ended("2", 60, "client_stop")), []),
        ((began("0", -50), *FIRST), []),
    ],
)
def test_any_order_gives_the_same_drops(callbacks: tuple[Callback, ...], drops: object) -> None:
    """A stream is dropped if none of its pushes is open, and its newest ended by a fault."""
    for arrivals in permutations(callbacks):
        assert list(streams_of(arrivals).drops()) == drops


@pytest.mark.parametrize(
    ("callbacks", "perhaps"),
    [
        (FIRST, [began("2", 110)]),
        (FIRST[:1], FIRST[1:]),
        (FIRST[1:], FIRST[:1]),
        (FIRST[1:], []),
        ((*FIRST, began("2", 110)), [ended("2", 120, "client_stop")]),
    ],
)
def test_a_lost_answer_leaves_doubt(
    callbacks: tuple[Callback, ...], perhaps: tuple[Callback, ...]
) -> None:
    """If the end or the return of a push is not certain, neither is the drop."""
    assert [drop.certain for drop in streams_of(callbacks, perhaps).drops()] == [False]


def test_active_by_the_origin_of_the_newest() -> None:
    """Of two open pushes the newer one gives the origin; if it is in doubt, either may."""

    def active(streams: Streams) -> Mapping[str, tuple[int, int]]:
        return {
            dict(one.labels)["origin"]: span
            for one, span in streams.samples().items()
            if one.name == "tencent_css_active_streams"
        }

    older, newer = began("1", 0), began("2", 10, "overseas")
    assert active(streams_of([newer, older])) == {"overseas": (1, 1)}
    assert active(streams_of([older], [newer])) == {"mainland": (0, 1), "overseas": (0, 1)}
    same = began("2", 10)
    assert active(streams_of([older], [same])) == {"mainland": (1, 1)}


def test_watched() -> None:
    """A watched stream is active or not, since its last push began or ended; or in doubt."""
    nobody = SimulatedStream("push.example.com", "live", "nobody")
    assert list(streams_of(FIRST).watched([STREAM, nobody])) == [
        Watched(STREAM, False, (AT + 100) * 1000),
        Watched(nobody, False, None),
    ]
    assert list(streams_of(FIRST[:1]).watched([STREAM])) == [Watched(STREAM, True, AT * 1000)]
    assert list(streams_of(FIRST[:1], FIRST[1:]).watched([STREAM])) == [
        Watched(STREAM, None, None)
    ]


def shown(number: int, at: float) -> Look:
    """Return a look at so many dropped streams."""
    return Look({dropped_sample(): number} if number else {}, at, at + 0.1)


def dropped_sample() -> Sample:
    """Return the sample of dropped streams."""
    return sample(DROPPED, push_domain="push.example.com", app_name="live", origin="mainland")


@pytest.mark.parametrize(
    ("seconds", "allowed"),
    [(0, {0}), (8, {0}), (10, {0, 1}), (12, {1}), (58, {1}), (60, {0, 1}), (62, {0})],
)
def test_a_drop_counts_after_its_grace_and_not_for_ever(seconds: int, allowed: set[int]) -> None:
    """Before and after its time a drop must not be shown; at the edges it may be."""
    report = Report({}, drops=(Drop(STREAM, "mainland", AT * 1000),))
    window = Window(grace=10, longest=60)
    right = {n for n in range(3) if not compare(report, shown(n, AT + seconds), window)}
    assert right == allowed


def test_watched_streams_of_others_are_not_compared() -> None:
    """An exporter may watch more than a run knows of; what the run names must be right."""
    another = SimulatedStream("push.example.com", "live", "another")
    report = Report({}, watched=(Watched(STREAM, True, AT * 1000),))
    mine, other = (
        sample(catalogue.WATCHED_ACTIVE.name, **one._asdict()) for one in (STREAM, another)
    )
    ended = sample(
        catalogue.WATCHED_INTERRUPTIONS.name, **another._asdict(), cause="client_network"
    )
    assert compare(report, Look({mine: 1, other: 1, ended: 7}, AT, AT)) == []
    (difference,) = compare(report, Look({mine: 0, other: 1}, AT, AT))
    assert difference.sample == mine


def test_a_drop_counts_as_long_as_by_default() -> None:
    """Where nobody says otherwise, the simulator expects what the settings are by default."""
    settings = Settings()
    assert Window() == (settings.return_grace_seconds, 60 * settings.dropped_stream_minutes)


def test_earlier_drops_may_be_over() -> None:
    """Streams that were dropped before the run may have come back meanwhile, but not more."""
    report = Report({}, before={dropped_sample(): 2}, drops=(Drop(STREAM, "mainland", AT * 1000),))
    right = {n for n in range(6) if not compare(report, shown(n, AT + 100))}
    assert right == {1, 2, 3}


@pytest.mark.parametrize(("active", "allowed"), [(True, {1}), (False, {0}), (None, {0, 1})])
@pytest.mark.parametrize("before", [0, 1])
def test_a_watched_stream_is_shown_as_it_is(
    active: bool | None, allowed: set[int], before: int
) -> None:
    """What a watched stream was before does not matter."""
    one = sample(catalogue.WATCHED_ACTIVE.name, **STREAM._asdict())
    report = Report({}, before={one: before}, watched=(Watched(STREAM, active, AT * 1000),))
    right = {n for n in range(2) if not compare(report, Look({one: n}, AT, AT))}
    assert right == allowed


@pytest.mark.parametrize("text", ["", "room", "a/b", "a//c", "/b/c", "a/b/", "a/*/c"])
def test_what_is_no_stream(text: str) -> None:
    """A stream that can be played has all three parts, and no pattern."""
    with pytest.raises(ValueError, match="no stream like"):
        SimulatedStream.of(text)
