"""When the packets of a file are sent again, and by how much their times are moved.

Pure.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from exporter.replay.lines import Line, read_lines, shifted, time_of
from exporter.sending.requests import UnsignedPacket


@dataclass(frozen=True, slots=True)
class Survey:
    """What a file holds: how many packets, its bad lines, Unix times of its first and last event.

    Both times are 0 if no packet has one.
    """

    packets: int
    faults: tuple[Line, ...]
    first: float = 0.0
    last: float = 0.0

    @classmethod
    def of(cls, lines: Iterable[bytes]) -> Self:
        """Read all lines of a file."""
        packets = 0
        faults: list[Line] = []
        first, last = float("inf"), float("-inf")
        for line in read_lines(lines):
            if line.fault:
                faults.append(line)
                continue
            packets += 1
            at = time_of(line.packet)
            if at is not None:
                first, last = min(first, at), max(last, at)
        if first > last:
            return cls(packets, tuple(faults))
        return cls(packets, tuple(faults), first, last)


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast packets are sent: ``speed`` 1 as fast as they happened, 0 as fast as possible.

    ``first`` is the Unix time of the file's first event.
    """

    speed: float = 0.0
    first: float = 0.0
    shift_seconds: int = 0

    @classmethod
    def of(cls, survey: Survey, speed: float, now: float, *, shift: bool) -> Self:
        """Return the pace of a replay that begins at Unix time ``now``.

        A shift moves all times by the same whole seconds, so that their distances stay: as
        near to now as possible, and none is in the future when it is sent.
        """
        duration = (survey.last - survey.first) / speed if speed else 0.0
        seconds = int(min(now - survey.first, now + duration - survey.last))
        return cls(speed, survey.first, seconds if shift and survey.last else 0)

    def due(self, packet: UnsignedPacket) -> float:
        """Return how many seconds after the beginning a packet is sent at the earliest."""
        at = time_of(packet) if self.speed else None
        return 0.0 if at is None else (at - self.first) / self.speed

    def moved(self, packet: UnsignedPacket) -> UnsignedPacket:
        """Return a packet with its times moved."""
        return shifted(packet, self.shift_seconds) if self.shift_seconds else packet
