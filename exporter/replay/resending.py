"""Send the packets of a file again, signed afresh, in the order and at the pace of the file."""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import BinaryIO, Final, NamedTuple, Self

from exporter.replay.lines import Line, read, shifted, time_of
from exporter.simulator.connection import Connection, Target
from exporter.simulator.delivery import Answer, Request, body
from exporter.simulator.meaning import Packet

ATTEMPTS: Final = 6
PAUSE_SECONDS: Final = 1.0
"""Before the second attempt; doubled before each further one."""

_NAP_SECONDS: Final = 0.2


class Survey(NamedTuple):
    """What a file holds: packets, bad lines, and the Unix times of its first and last event."""

    packets: int
    faults: list[Line]
    first: float = 0.0
    last: float = 0.0

    @classmethod
    def of(cls, file: BinaryIO) -> Self:
        """Read a whole file, and go back to its beginning."""
        packets = 0
        faults: list[Line] = []
        first, last = float("inf"), float("-inf")
        for line in read(file):
            if line.fault:
                faults.append(line)
                continue
            packets += 1
            at = time_of(line.packet)
            if at is not None:
                first, last = min(first, at), max(last, at)
        file.seek(0)
        return cls(packets, faults, first, last) if first <= last else cls(packets, faults)


class Tempo(NamedTuple):
    """When packets are sent, and by how much their times are moved.

    ``speed`` 0 is as fast as possible, 1 as fast as it happened; ``first`` is the Unix time of
    the file's first event.
    """

    speed: float = 0.0
    first: float = 0.0
    shift_seconds: int = 0

    @classmethod
    def of(cls, survey: Survey, speed: float, now: float, *, shift: bool) -> Self:
        """Return the tempo of a replay that begins at ``now``.

        All times move by the same whole seconds, so that what was apart stays apart: as near
        to now as they can come without any being in the future when it is sent.
        """
        duration = (survey.last - survey.first) / speed if speed else 0.0
        seconds = int(min(now - survey.first, now + duration - survey.last))
        return cls(speed, survey.first, seconds if shift and survey.last else 0)

    def due(self, packet: Packet) -> float:
        """Return how many seconds after the beginning a packet is sent at the earliest."""
        at = time_of(packet) if self.speed else None
        return 0.0 if at is None else (at - self.first) / self.speed

    def moved(self, packet: Packet) -> Packet:
        """Return a packet with its times moved."""
        return shifted(packet, self.shift_seconds) if self.shift_seconds else packet


@dataclass(slots=True)
class Outcome:
    """What became of the packets sent so far; ``refused`` are (line, reason)."""

    accepted: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)

    @property
    def done(self) -> int:
        """Return how many packets are done with."""
        return self.accepted + len(self.refused)

    @property
    def reasons(self) -> Counter[str]:
        """Return how often each reason was given."""
        return Counter(reason for _, reason in self.refused)


class Replay:
    """A replay: begins at once, in as many threads as connections."""

    def __init__(
        self, file: BinaryIO, tempo: Tempo, target: Target, key: bytes | None, connections: int
    ) -> None:
        self.outcome = Outcome()
        self._lines = (line for line in read(file) if not line.fault)
        self._tempo = tempo
        self._target = target
        self._key = key
        self._began_at = time.monotonic()
        self._turn = threading.Lock()  # held by the one who waits for the next packet
        self._lock = threading.Lock()  # the outcome's
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, daemon=True) for _ in range(connections)
        ]
        for thread in self._threads:
            thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until all is sent and answered; return whether it is."""
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def stop(self) -> None:
        """Send nothing more; what is on its way is still waited for."""
        self._stop.set()

    def _run(self) -> None:
        connection = Connection(self._target)
        while (line := self._next()) is not None:
            answer = self._send(connection, self._tempo.moved(line.packet))
            with self._lock:
                if answer.accepted:
                    self.outcome.accepted += 1
                else:
                    self.outcome.refused.append((line.number, answer.reason))
        connection.close()

    def _next(self) -> Line | None:
        """Wait for the next packet's time and return it; None at the end."""
        with self._turn:
            line = None if self._stop.is_set() else next(self._lines, None)
            if line is None:
                return None
            due = self._began_at + self._tempo.due(line.packet)
            while (left := due - time.monotonic()) > 0:
                if self._stop.wait(min(left, _NAP_SECONDS)):
                    return None
            return line

    def _send(self, connection: Connection, packet: Packet) -> Answer:
        """Send a packet until it is accepted, or refused for good, or too often."""
        answer = Answer()
        for attempt in range(ATTEMPTS):
            if attempt and self._stop.wait(PAUSE_SECONDS * 2 ** (attempt - 1)):
                break
            answer = connection.send(Request(body(packet, time.time(), self._key)))
            if answer.accepted or (answer.refusal and not answer.lost):
                break
        return answer
