"""A simulated callback: its packet, and what it must add to the exporter's samples.

Pure.  Whoever makes the packet writes down what it means; nothing is read out of the packet.
"""

from collections.abc import Iterator
from typing import NamedTuple, Self

from exporter.metrics import catalogue
from exporter.protocol.errcodes import INTENDED
from exporter.sending.requests import UnsignedPacket
from exporter.simulator.samples import Addition, add, sample


class SimulatedStream(NamedTuple):
    """A stream, its source as the exporter labels it."""

    push_domain: str
    app_name: str
    stream_id: str

    @classmethod
    def of(cls, text: str) -> Self:
        """Return the stream ``push_domain/app_name/stream_id``.

        Raises ``ValueError``, its text for the user.
        """
        push_domain, app_name, stream_id, *_ = (*text.split("/", 2), "", "")
        if not (push_domain and app_name and stream_id) or "*" in text:
            raise ValueError(f"{text} is no stream like push.example.com/live/channel-1")
        return cls(push_domain.lower(), app_name, stream_id)


class PushBegun(NamedTuple):
    """A push that a callback says has begun; ``began_at_ms`` in Unix milliseconds."""

    sequence: str
    stream: SimulatedStream
    origin: str
    began_at_ms: int


class PushEnded(NamedTuple):
    """A push that a callback says has ended; ``ended_at_ms`` in Unix milliseconds."""

    sequence: str
    stream: SimulatedStream
    origin: str
    ended_at_ms: int
    cause: str

    @property
    def is_drop(self) -> bool:
        """Return whether it ended although neither host nor customer wanted it."""
        return self.cause not in INTENDED


class Callback(NamedTuple):
    """A packet and its meaning.

    ``additions`` are those of its event alone; ``begins`` and ``ends`` change which streams
    are active.  ``timed`` says whether the packet has a time of its own, so that the exporter
    observes its delay.
    """

    event: str
    packet: UnsignedPacket
    additions: tuple[Addition, ...] = ()
    timed: bool = True
    begins: PushBegun | None = None
    ends: PushEnded | None = None

    def all_additions(self) -> Iterator[Addition]:
        """Yield everything that is added when this callback is counted."""
        yield from self.additions
        yield add(catalogue.CALLBACKS, event=self.event)
        if self.timed:
            yield sample(f"{catalogue.DELAY.name}_count", event=self.event), 1
