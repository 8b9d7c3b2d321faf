"""Gauges whose value depends on when one looks: dropped streams; and those of watched streams.

Pure.  A run's report holds facts (which streams dropped when), and their samples are worked
out for each look at the metrics.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from exporter.metrics import catalogue
from exporter.simulator.callback import SimulatedStream
from exporter.simulator.samples import Range, Sample, sample

DROPPED: Final = catalogue.DROPPED_STREAMS.name
_WATCHED: Final = (catalogue.WATCHED_ACTIVE.name, catalogue.WATCHED_INTERRUPTIONS.name)

CLOCK_SECONDS: Final = 1.0
"""By how much the clocks of simulator and exporter may differ."""


@dataclass(frozen=True, slots=True)
class Drop:
    """A stream that has no open push, and whose newest push ended without anyone wanting it.

    ``ended_at_ms`` is that end, in Unix milliseconds.  Not ``certain``: an answer was lost, and
    the stream may be active, or its newest push may be another.
    """

    stream: SimulatedStream
    origin: str
    ended_at_ms: int
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Watched:
    """A stream that the user named; ``active`` is None if a lost answer leaves it open.

    ``changed_at_ms`` is when it last became active or not, in Unix milliseconds.
    """

    stream: SimulatedStream
    active: bool | None
    changed_at_ms: int | None


class Window(NamedTuple):
    """How long after its end a drop counts: the exporter's settings, in seconds.

    From ``return_grace_seconds``, in which a host may come back, to ``dropped_stream_minutes``.
    Defaults are those of the settings.
    """

    grace: float = 30.0
    longest: float = 3600.0


class Look(NamedTuple):
    """One look at the metrics: what was shown, and between which Unix times."""

    samples: Mapping[Sample, int]
    began_at: float
    ended_at: float


def dropped(drops: Iterable[Drop], window: Window, look: Look) -> dict[Sample, Range]:
    """Return how many streams are shown as dropped, by source and origin."""
    least: Counter[Sample] = Counter()
    most: Counter[Sample] = Counter()
    for drop in drops:
        ended_at = drop.ended_at_ms / 1000
        begin, end = ended_at + window.grace, ended_at + window.longest
        one = sample(
            DROPPED,
            push_domain=drop.stream.push_domain,
            app_name=drop.stream.app_name,
            origin=drop.origin,
        )
        if begin <= look.ended_at + CLOCK_SECONDS and look.began_at - CLOCK_SECONDS <= end:
            most[one] += 1
        if begin <= look.began_at - CLOCK_SECONDS and look.ended_at + CLOCK_SECONDS <= end:
            least[one] += drop.certain
    return {one: Range(least[one], number) for one, number in most.items()}


def is_of_another(one: Sample, streams: Iterable[Watched]) -> bool:
    """Return whether a sample is of a watched stream that is none of these."""
    if one.name not in _WATCHED:
        return False
    labels = dict(one.labels).items()
    return not any(own.stream._asdict().items() <= labels for own in streams)


def watched(streams: Iterable[Watched]) -> dict[Sample, Range]:
    """Return for each watched stream whether it is shown as active."""
    return {
        sample(catalogue.WATCHED_ACTIVE.name, **one.stream._asdict()): Range(0, 1)
        if one.active is None
        else Range(int(one.active), int(one.active))
        for one in streams
    }
