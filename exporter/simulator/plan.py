"""What is sent next: pace, retries, redeliveries, late starters, forgeries, incidents.

Pure: time is an argument, Unix seconds.  Not safe for threads by itself.
"""

import heapq
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any, Final

from exporter.simulator.delivery import Answer, Delivery
from exporter.simulator.forgery import Forgery, forge
from exporter.simulator.scenarios import Scenario, is_struck
from exporter.simulator.truth import Truth
from exporter.simulator.world import World

MINUTE: Final = 60.0

RETRIES: Final[dict[str, tuple[int, float]]] = {
    "screencapture": (5, 2 * MINUTE),
    "subtitles": (2, MINUTE),  # the interval of these two is not documented
    "smart_erase": (2, MINUTE),
}
OTHER_RETRIES: Final = (12, MINUTE)
"""Documented for pushes, interruptions, recordings and moderation; assumed of the rest."""

UNSIGNED_BY_CHOICE: Final = ("relay", "stream_monitor")
"""Events that an exporter may be told to take unsigned: no forgery can be made of them."""

REDELIVERY_SECONDS: Final = (1.0, 60.0)
LATE_START_SECONDS: Final = (5.0, 90.0)

CUT: Final = Answer(reason="the network is cut (receiver-outage)", sent=False)


@dataclass(frozen=True, slots=True)
class Orders:
    """What the user wants; seconds, callbacks a second.

    ``rate`` 0: as fast as they are answered; ``duration`` 0: until told to stop;
    ``time_scale`` divides the times of the retry schedule.
    """

    scenario: Scenario
    rate: float = 20.0
    duration: float = 60.0
    time_scale: float = 1.0
    redelivered_share: float = 0.02
    late_share: float = 0.02


@dataclass(slots=True)
class Tally:
    """What happened so far, for people; the truth is elsewhere."""

    callbacks: int = 0
    deliveries: int = 0
    accepted: int = 0
    retries: int = 0
    redelivered: int = 0
    forged: int = 0
    not_delivered: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    latest_fault: str = ""


class Plan:
    """A run from its first callback to its last retry."""

    def __init__(self, world: World, orders: Orders, seed: int, began_at: float) -> None:
        self.truth = Truth()
        self.tally = Tally()
        self.in_flight = 0
        self._world = world
        self._orders = orders
        self._incident = orders.scenario.incident()
        self._chance = Random(seed)
        self._began_at = began_at
        self._next_at = began_at
        self._burst = 0
        self._stopped = False
        self._abandoned = False
        self._overheard: dict[str, Any] = {}
        self._order = count()
        self._waiting: list[tuple[float, int, Delivery]] = []

    @property
    def waiting(self) -> int:
        """Return how many deliveries wait for their time."""
        return len(self._waiting)

    def is_making(self, now: float) -> bool:
        """Return whether new callbacks are made."""
        duration = self._orders.duration
        return not self._stopped and not (duration and now >= self._began_at + duration)

    def is_done(self, now: float) -> bool:
        """Return whether nothing is left to send or to wait for."""
        return not (self.is_making(now) or self._waiting or self.in_flight)

    def take(self, now: float) -> Delivery | Forgery | float:
        """Return what is to be sent now, or for how many seconds nothing is."""
        while True:
            if self._waiting and self._waiting[0][0] <= now:
                delivery = heapq.heappop(self._waiting)[2]
            elif self.is_making(now) and (self._is_due(now) or self._burst):
                made = self._make(now)
                if made is None:
                    continue
                if isinstance(made, Forgery):
                    self._count_sending()
                    return made
                delivery = made
            else:
                return self._pause(now)
            self._count_sending()
            self.tally.redelivered += delivery.accepted > 0
            self.tally.retries += delivery.attempts > 0 and not delivery.accepted
            delivery.attempts += 1
            if not (self._incident.cuts_network and self._is_struck(now)):
                return delivery
            self.settle(delivery, CUT, now)

    def settle(self, delivery: Delivery | Forgery, answer: Answer, now: float) -> None:
        """Take the answer to what was sent."""
        self.in_flight -= 1
        if not answer.accepted:
            self.tally.faults[answer.reason] += 1
            self.tally.latest_fault = answer.reason
        if answer.refusal:
            self.truth.refuse(answer.refusal)
        if isinstance(delivery, Forgery):
            if answer.lost:
                self.truth.refuse_maybe()
            return
        was_accepted = delivery.accepted > 0
        delivery.accepted += answer.accepted
        delivery.lost += answer.lost
        if delivery.accepted:
            self._settle_accepted(delivery, now, first=not was_accepted)
        else:
            self._retry(delivery, now)

    def abandon(self) -> None:
        """Make no more callbacks, and let go of those that wait for another sending."""
        self._stopped = self._abandoned = True
        for _, _, delivery in self._waiting:
            self._let_go(delivery)
        self._waiting.clear()

    def _make(self, now: float) -> Delivery | Forgery | None:
        """Return the next request, None if it is one that will be sent later."""
        before = self._world.pending
        self._incident.act(self._world, now, struck=self._is_struck(now))
        self._burst += self._world.pending - before
        if self._burst:
            self._burst -= 1
        else:
            self._next_at += 1 / self._orders.rate if self._orders.rate else 0
        if self._overheard and self._chance.random() < self._orders.scenario.forged_share:
            self.tally.forged += 1
            return forge(self._overheard, self._chance)
        callback = self._world.next(now)
        self.tally.callbacks += 1
        if callback.event not in UNSIGNED_BY_CHOICE:
            self._overheard = callback.packet
        delivery = Delivery(callback)
        if self._chance.random() < self._orders.late_share:
            self._wait(delivery, now + self._scaled(self._chance.uniform(*LATE_START_SECONDS)))
            return None
        return delivery

    def _settle_accepted(self, delivery: Delivery, now: float, *, first: bool) -> None:
        self.tally.accepted += first
        if first and self._chance.random() < self._orders.redelivered_share:
            self._wait(delivery, now + self._scaled(self._chance.uniform(*REDELIVERY_SECONDS)))
        else:
            self.truth.settle(delivery.callback, delivery.fate)

    def _retry(self, delivery: Delivery, now: float) -> None:
        retries, seconds = RETRIES.get(delivery.callback.event, OTHER_RETRIES)
        if delivery.attempts <= retries:
            self._wait(delivery, now + self._scaled(seconds))
        else:
            self._let_go(delivery)

    def _let_go(self, delivery: Delivery) -> None:
        self.truth.settle(delivery.callback, delivery.fate)
        if not delivery.accepted:
            self.tally.not_delivered[delivery.callback.event] += 1

    def _wait(self, delivery: Delivery, until: float) -> None:
        if self._abandoned:
            self._let_go(delivery)
            return
        heapq.heappush(self._waiting, (until, next(self._order), delivery))

    def _scaled(self, seconds: float) -> float:
        return seconds / self._orders.time_scale

    def _is_due(self, now: float) -> bool:
        return self._next_at <= now

    def _is_struck(self, now: float) -> bool:
        return is_struck(now - self._began_at, self._orders.duration)

    def _count_sending(self) -> None:
        self.in_flight += 1
        self.tally.deliveries += 1

    def _pause(self, now: float) -> float:
        times = [self._waiting[0][0]] if self._waiting else []
        if self.is_making(now):
            times.append(self._next_at)
        return max(0.0, min(times, default=now + 1.0) - now)
