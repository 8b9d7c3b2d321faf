"""Hosts and their pushes."""

from dataclasses import dataclass, field

from exporter.sending.requests import Packet
from exporter.simulator.callback import Stream
from exporter.simulator.weights import Source

APPID = 1250000001


@dataclass(slots=True, eq=False)
class Push:
    """One running push.

    ``began_at`` is Unix time; ``lived_since`` and ``recorded_since`` are in the world's time.
    """

    sequence: str
    lived_since: float
    began_at: int
    recording: str
    recorded_since: float


@dataclass(slots=True, eq=False)
class Host:
    """Somebody who pushes again and again, always to the same stream."""

    source: Source
    stream_id: str
    set_id: int | None
    recorded_as: tuple[str, str] | None
    captured: bool
    moderated: bool
    push: Push | None = None
    latest: dict[str, int] = field(default_factory=dict)

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
        """Return whether no packet about ``what`` was made for this stream in a second.

        Some packets have no other identity than these three: the second of two would look
        like a redelivery.
        """
        if self.latest.get(what) == second:
            return False
        self.latest[what] = second
        return True
