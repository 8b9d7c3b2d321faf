"""The pushes of a stream as bars over time, for a drawing.

Pure.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from exporter.ledger.history import KeptPush
from exporter.protocol.errcodes import INTENDED

WIDTH: Final = 1000
"""What the drawing measures across, in its own units."""

LANE: Final = 24
_NARROWEST: Final = 3
_SHORTEST_SECONDS: Final = 3600.0
_MOST_LANES: Final = 6


class Bar(NamedTuple):
    """A push, drawn: ``kind`` is ``open``, ``broken`` (ended as nobody meant), ``ended``."""

    x: float
    y: int
    width: float
    kind: str
    push: KeptPush

    @property
    def end(self) -> float:
        """Return where it ends."""
        return self.x + self.width


class Timeline(NamedTuple):
    """Bars from one Unix time to another; pushes at the same time are in different lanes."""

    since: float
    until: float
    bars: Sequence[Bar]
    height: int


def timeline_of(pushes: Sequence[KeptPush], now: float, days: float) -> Timeline:
    """Return the drawing of pushes over so many days at most, at least an hour."""
    first = min((push.began_at_ms for push in pushes), default=0) / 1000
    since = min(max(first, now - days * 86400), now - _SHORTEST_SECONDS)
    lanes: list[float] = []
    bars = []
    for push in sorted(pushes, key=lambda one: (one.began_at_ms, one.identity)):
        ended_at = now if push.ended_at_ms is None else push.ended_at_ms / 1000
        if ended_at < since:
            continue
        end = _place(ended_at, since, now)
        start = min(_place(push.began_at_ms / 1000, since, now), WIDTH - _NARROWEST)
        lane = next((at for at, until in enumerate(lanes) if until <= start), len(lanes))
        lane = min(lane, _MOST_LANES - 1)
        width = max(_NARROWEST, end - start)
        lanes[lane:] = [start + width, *lanes[lane + 1 :]]
        bars.append(Bar(round(start, 2), lane * LANE, round(width, 2), _kind(push), push))
    return Timeline(since, now, bars, max(1, len(lanes)) * LANE)


def _place(at: float, since: float, until: float) -> float:
    return min(max((at - since) / (until - since), 0.0), 1.0) * WIDTH


def _kind(push: KeptPush) -> str:
    if push.is_open:
        return "open"
    return "ended" if push.cause is None or push.cause in INTENDED else "broken"
