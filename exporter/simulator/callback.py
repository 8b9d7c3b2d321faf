"""A simulated callback: its packet, and what it must add to the exporter's samples.

Pure.  Whoever makes the packet writes down what it means; nothing is read out of the packet.
"""

from collections.abc import Iterator
from typing import NamedTuple

from exporter.metrics import catalogue
from exporter.sending.requests import Packet
from exporter.simulator.samples import Addition, add, sample


class Stream(NamedTuple):
    """A stream, its source as the exporter labels it."""

    push_domain: str
    app_name: str
    stream_id: str


class PushBegun(NamedTuple):
    """The push that a callback says has begun; ``began_at`` in Unix seconds."""

    sequence: str
    stream: Stream
    origin: str
    began_at: int


class Callback(NamedTuple):
    """A packet and its meaning.

    ``additions`` are those of its event alone.  ``begins`` and ``ends`` (a sequence) change
    the set of open pushes.  ``timed`` says whether the packet has a time of its own, so that
    the exporter observes its delay.
    """

    event: str
    packet: Packet
    additions: tuple[Addition, ...] = ()
    timed: bool = True
    begins: PushBegun | None = None
    ends: str | None = None

    def all_additions(self) -> Iterator[Addition]:
        """Yield everything that is added when this callback is counted."""
        yield from self.additions
        yield add(catalogue.CALLBACKS, event=self.event)
        if self.timed:
            yield sample(f"{catalogue.DELAY.name}_count", event=self.event), 1
