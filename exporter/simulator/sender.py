"""Sends what the plan says, and gives it each answer."""

import threading
import time
from typing import Final, NamedTuple

from exporter.sending.connection import CallbackConnection, CallbackUrl
from exporter.sending.threads import Threads
from exporter.simulator.forgery import Forgery
from exporter.simulator.outgoing import Outgoing
from exporter.simulator.plan import SendingPlan

LONGEST_NAP_SECONDS: Final = 0.05


class Standing(NamedTuple):
    """How a run is going."""

    requests: int
    accepted: int
    waiting: int
    active_streams: int
    fault: str
    """The latest answer that was not 200, ``""`` if all were."""


class Sender:
    """A plan being carried out, by ``threads``."""

    def __init__(
        self, plan: SendingPlan, url: CallbackUrl, key: bytes | None, connections: int
    ) -> None:
        self._plan = plan
        self._key = key
        self._lock = threading.Lock()  # guards the plan
        self._turn = threading.Lock()  # held by the thread that waits for the next request
        self.threads = Threads(self._work, self._abandon, url, connections)

    def standing(self) -> Standing:
        """Return how the run is going."""
        with self._lock:
            counts = self._plan.counts
            return Standing(
                counts.requests,
                counts.accepted,
                self._plan.waiting,
                self._plan.expected.streams.active,
                counts.latest_fault,
            )

    def _abandon(self) -> None:
        with self._lock:
            self._plan.abandon()

    def _work(self, connection: CallbackConnection) -> None:
        while (found := self._next()) is not None:
            answer = connection.send(found.request(time.time(), self._key))
            with self._lock:
                self._plan.settle(found, answer, time.time())

    def _next(self) -> Outgoing | Forgery | None:
        """Wait for the next to send; None at the end.  One thread waits, the others queue."""
        with self._turn:
            while True:
                with self._lock:
                    now = time.time()
                    if self._plan.is_done(now):
                        return None
                    found = self._plan.take(now)
                if not isinstance(found, float):
                    return found
                time.sleep(min(found, LONGEST_NAP_SECONDS))
