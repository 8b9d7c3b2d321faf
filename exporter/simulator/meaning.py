"""What a simulated callback must add to the exporter's samples.

Pure.  Written by the one who makes the packet, from what it meant, in whole numbers.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from exporter.metrics import catalogue
from exporter.metrics.families import Family

Packet = dict[str, Any]
"""One callback's JSON object, without ``t`` and ``sign``."""


class Sample(NamedTuple):
    """One line of an exposition: its name and its labels, sorted by name."""

    name: str
    labels: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        labels = ",".join(f'{name}="{value}"' for name, value in self.labels)
        return f"{self.name}{{{labels}}}" if labels else self.name


Addition = tuple[Sample, int]
"""A sample and how much is added to it, in units of 1/scale of its family."""


class Stream(NamedTuple):
    """A stream, its source as the exporter labels it."""

    push_domain: str
    app_name: str
    stream_id: str


class PushBegun(NamedTuple):
    """The push that a callback tells of: which, on which stream, whence, since when."""

    sequence: str
    stream: Stream
    origin: str
    began_at: int


class Callback(NamedTuple):
    """A packet and its meaning.

    ``begins`` and ``ends`` (a sequence) change the set of open pushes; ``timed`` tells
    whether the packet says when it happened, so that its delay can be observed.
    """

    event: str
    packet: Packet
    additions: tuple[Addition, ...] = ()
    timed: bool = True
    begins: PushBegun | None = None
    ends: str | None = None

    def all_additions(self) -> Iterator[Addition]:
        """Yield what accepting this callback once adds, whatever its event."""
        yield from self.additions
        yield add(catalogue.CALLBACKS, event=self.event)
        if self.timed:
            yield Sample(f"{catalogue.DELAY.name}_count", (("event", self.event),)), 1


def add(family: Family, amount: int = 1, /, **labels: str) -> Addition:
    """Return the addition to the one sample of a counter."""
    return Sample(family.name, tuple(sorted(labels.items()))), amount


def observe(family: Family, value: int, /, **labels: str) -> Iterator[Addition]:
    """Yield what one observation adds to a histogram: every bucket it lies in, count and sum.

    ``value`` is in units of 1/scale of the family.
    """
    own = tuple(sorted(labels.items()))
    for bound in (*family.buckets, INFINITE):
        if value <= bound * family.scale:
            bucket = tuple(sorted((*own, ("le", le(bound)))))
            yield Sample(f"{family.name}_bucket", bucket), 1
    yield Sample(f"{family.name}_count", own), 1
    yield Sample(f"{family.name}_sum", own), value


INFINITE: Final = float("inf")


def le(bound: float) -> str:
    """Return a bucket's bound as expositions spell it."""
    return "+Inf" if bound == INFINITE else str(float(bound))
