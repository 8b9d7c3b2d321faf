"""Threads that send what the plan says, and tell it what was answered."""

import threading
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from exporter.simulator.connection import Connection, Target
from exporter.simulator.delivery import Delivery
from exporter.simulator.forgery import Forgery
from exporter.simulator.plan import Plan

LONGEST_NAP_SECONDS: Final = 0.05


class Standing(NamedTuple):
    """How a run is going."""

    deliveries: int
    accepted: int
    waiting: int
    active_streams: int
    fault: str
    """The latest answer that was not 200, ``""`` if all were."""


class Sender:
    """A run: begins at once, ends when the plan is done."""

    def __init__(
        self,
        plan: Plan,
        target: Target,
        key: bytes | None,
        connections: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._plan = plan
        self._target = target
        self._key = key
        self._clock = clock
        self._lock = threading.Lock()  # the plan's
        self._turn = threading.Lock()  # held by the one who waits for the next delivery
        self._failure: Exception | None = None
        self._threads = [
            threading.Thread(target=self._run, name=f"sender {number}", daemon=True)
            for number in range(connections)
        ]
        for thread in self._threads:
            thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until all is sent and answered; return whether it is.

        Raises what a thread died of.
        """
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if self._failure:
            raise self._failure
        return not any(thread.is_alive() for thread in self._threads)

    def standing(self) -> Standing:
        """Return how the run is going."""
        with self._lock:
            tally = self._plan.tally
            return Standing(
                tally.deliveries,
                tally.accepted,
                self._plan.waiting,
                self._plan.truth.active_streams,
                tally.latest_fault,
            )

    def abandon(self) -> None:
        """Send nothing more; what is on its way is still waited for."""
        with self._lock:
            self._plan.abandon()

    def _run(self) -> None:
        connection = Connection(self._target)
        try:
            while (delivery := self._next()) is not None:
                answer = connection.send(delivery.request(self._clock(), self._key))
                with self._lock:
                    self._plan.settle(delivery, answer, self._clock())
        except Exception as error:  # noqa: BLE001 - told by wait
            self._failure = error
            self.abandon()
        finally:
            connection.close()

    def _next(self) -> Delivery | Forgery | None:
        """Wait for the next delivery; None at the end.  One thread waits, the others queue."""
        with self._turn:
            while True:
                with self._lock:
                    now = self._clock()
                    if self._plan.is_done(now):
                        return None
                    found = self._plan.take(now)
                if not isinstance(found, float):
                    return found
                time.sleep(min(found, LONGEST_NAP_SECONDS))
