"""Hosts, and their pushes.  Pure."""

from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from exporter.sending.requests import UnsignedPacket
from exporter.simulator import weights
from exporter.simulator.callback import SimulatedStream

APPID = 1250000001


class Entrance(NamedTuple):
    """Where a push comes in: ``set_id`` as sent, None if it is not, and what it means."""

    origin: str
    set_id: int | None


class Moment(NamedTuple):
    """When something happened to a push: Unix milliseconds, and how packets spell it."""

    ms: int
    event_time: float | str


@dataclass(slots=True, eq=False)
class RunningPush:
    """One running push.

    ``lived_since`` and ``recorded_since`` are in the world's time; ``recording`` is the id of
    its recording session; ``picture`` is width and height.
    """

    sequence: str
    entrance: Entrance
    lived_since: float
    recording: str
    recorded_since: float
    node: str
    picture: tuple[int, int]


@dataclass(slots=True, eq=False)
class Host:
    """Somebody who pushes again and again, always to the same stream.

    A ``channel`` never stops by itself; a ``watched`` one is named by the user.
    """

    source: weights.SimulatedSource
    stream_id: str
    entrance: Entrance
    recorded_as: tuple[str, str] | None
    captured: bool
    moderated: bool
    channel: bool = False
    watched: bool = False
    push: RunningPush | None = None
    latest: dict[str, int] = field(default_factory=dict)
    _latest_ms: int = 0

    @property
    def stream(self) -> SimulatedStream:
        """Return the stream, its source as labelled."""
        return SimulatedStream(self.source.push_domain, self.source.app_name, self.stream_id)

    @property
    def labels(self) -> dict[str, str]:
        """Return the source labels."""
        return {"push_domain": self.source.push_domain, "app_name": self.source.app_name}

    def named(self, domain: str, app_name: str) -> UnsignedPacket:
        """Return the fields that name the stream, in the dialect of an event."""
        return {
            "appid": APPID,
            domain: self.source.spelt_domain,
            app_name: self.source.app_name,
            "stream_id": self.stream_id,
        }

    def begins_at(self, now: float, chance: Random) -> Moment:
        """Return when a push begins: later than all before, so that it is the newest."""
        return self._moment(now, self._latest_ms + 1, chance)

    def ends_at(self, now: float, chance: Random) -> Moment:
        """Return when a push ends, or fails to begin: not before what happened before."""
        return self._moment(now, self._latest_ms, chance)

    def first_in_second(self, what: str, second: int) -> bool:
        """Return whether no packet about ``what`` was made for this stream in a second.

        The identity of some packets is made of these three alone: a second one would look like a
        redelivery.
        """
        if self.latest.get(what) == second:
            return False
        self.latest[what] = second
        return True

    def _moment(self, now: float, earliest_ms: int, chance: Random) -> Moment:
        ms = max(int(now * 1000), earliest_ms)
        spelling = weights.draw(chance, weights.TIME_SPELLINGS)
        seconds = ms // 1000
        if seconds * 1000 < earliest_ms and spelling != "fraction":
            spelling = "milliseconds"  # whole seconds are not exact enough
        if spelling in ("seconds", "text"):
            ms = seconds * 1000
        self._latest_ms = ms
        match spelling:
            case "seconds":
                return Moment(ms, seconds)
            case "text":
                return Moment(ms, str(seconds))
            case "fraction":
                return Moment(ms, ms / 1000)
            case "milliseconds":
                return Moment(ms, ms)


def another_entrance(entrance: Entrance, chance: Random) -> Entrance:
    """Return an entrance with another ``set_id``."""
    others = [
        Entrance(origin, set_id)
        for origin, set_ids in weights.SET_IDS.items()
        for set_id in set_ids
        if set_id != entrance.set_id
    ]
    return chance.choice(others)


def host_of(source: weights.SimulatedSource, stream_id: str, chance: Random) -> Host:
    """Return a host with habits of its own."""
    recorded = chance.random() < 0.5
    return Host(
        source=source,
        stream_id=stream_id,
        entrance=Entrance(source.origin, chance.choice(weights.SET_IDS[source.origin])),
        recorded_as=weights.draw(chance, weights.RECORDING_FORMATS) if recorded else None,
        captured=chance.random() < 0.6,
        moderated=chance.random() < 0.6,
    )


def channel_of(stream: SimulatedStream, chance: Random, *, watched: bool) -> Host:
    """Return a host that pushes all day, from the mainland."""
    source = weights.SimulatedSource(stream.push_domain, stream.app_name, "mainland")
    host = host_of(source, stream.stream_id, chance)
    host.channel = True
    host.watched = watched
    return host
