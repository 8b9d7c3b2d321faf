"""One replay: packets signed afresh and sent, in the order of their file."""

import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from exporter.replay.lines import Line, read_lines
from exporter.replay.pace import Pace
from exporter.sending.connection import CallbackConnection, CallbackUrl
from exporter.sending.requests import CallbackAnswer, CallbackRequest, UnsignedPacket, signed
from exporter.sending.threads import Threads

ATTEMPTS: Final = 6
PAUSE_SECONDS: Final = 1.0
"""Before the second attempt; doubled before each further one."""

_NAP_SECONDS: Final = 0.2


@dataclass(slots=True)
class ReplayResults:
    """What became of the packets sent so far; ``refused`` are (line number, reason)."""

    accepted: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)

    @property
    def done(self) -> int:
        """Return how many packets need no further attempt."""
        return self.accepted + len(self.refused)

    @property
    def reasons(self) -> Counter[str]:
        """Return how often each reason was given."""
        return Counter(reason for _, reason in self.refused)


class Replay:
    """A replay, by ``threads``; bad lines are skipped."""

    def __init__(
        self,
        lines: Iterable[bytes],
        pace: Pace,
        url: CallbackUrl,
        key: bytes | None,
        connections: int,
    ) -> None:
        self.results = ReplayResults()
        self._lines = (line for line in read_lines(lines) if not line.fault)
        self._pace = pace
        self._key = key
        self._began_at = time.monotonic()
        self._turn = threading.Lock()  # held by the thread that waits for the next packet
        self._lock = threading.Lock()  # guards the results
        self._stopped = threading.Event()
        self.threads = Threads(self._work, self._stopped.set, url, connections)

    def _work(self, connection: CallbackConnection) -> None:
        while (line := self._next()) is not None:
            answer = self._send(connection, self._pace.moved(line.packet))
            with self._lock:
                if answer.accepted:
                    self.results.accepted += 1
                else:
                    self.results.refused.append((line.number, answer.reason))

    def _next(self) -> Line | None:
        """Wait for the next packet's time and return it; None at the end."""
        with self._turn:
            line = None if self._stopped.is_set() else next(self._lines, None)
            if line is None:
                return None
            due = self._began_at + self._pace.due(line.packet)
            while (left := due - time.monotonic()) > 0:
                if self._stopped.wait(min(left, _NAP_SECONDS)):
                    return None
            return line

    def _send(self, connection: CallbackConnection, packet: UnsignedPacket) -> CallbackAnswer:
        """Send a packet until it is accepted, or refused for good, or too often."""
        answer = CallbackAnswer()
        for attempt in range(ATTEMPTS):
            if attempt and self._stopped.wait(PAUSE_SECONDS * 2 ** (attempt - 1)):
                break
            answer = connection.send(CallbackRequest(signed(packet, time.time(), self._key)))
            if answer.accepted or (answer.refusal and not answer.lost):
                break
        return answer
