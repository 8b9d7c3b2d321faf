"""Hosts and their pushes, as the world keeps them."""

from dataclasses import dataclass, field

from exporter.simulator.meaning import Packet, Stream
from exporter.simulator.mix import Source

APPID = 1250000001


@dataclass(slots=True, eq=False)
class Push:
    """One running push: ``lived_since`` is in the world's time, ``began_at`` in the sender's."""

    sequence: str
    lived_since: float
    began_at: int
    recording: str
    recorded_since: float


@dataclass(slots=True, eq=False)
class Host:
    """One who pushes, again and again, on a stream of their own."""

    source: Source
    stream_id: str
    set_id: int | None
    recorded_as: tuple[str, str] | None
    captured: bool
    moderated: bool
    push: Push | None = None
    said: dict[str, int] = field(default_factory=dict)

    @property
    def stream(self) -> Stream:
        """Return the stream, its source as labelled."""
        return Stream(self.source.push_domain, self.source.app_name, self.stream_id)

    @property
    def labels(self) -> dict[str, str]:
        """Return the source labels."""
        return {"push_domain": self.source.push_domain, "app_name": self.source.app_name}

    def named(self, domain: str, app_name: str) -> Packet:
        """Return the fields that name the stream, in the dialect of an event."""
        return {
            "appid": APPID,
            domain: self.source.spelt_domain,
            app_name: self.source.app_name,
            "stream_id": self.stream_id,
        }

    def first_in_second(self, what: str, second: int) -> bool:
        """Return whether ``what`` was not yet told of this stream in a second.

        Some packets have no identity but what, where and in which second: the sender tells
        each of them once.
        """
        if self.said.get(what) == second:
            return False
        self.said[what] = second
        return True
