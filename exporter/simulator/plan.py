"""What is sent next: pace, retries, redeliveries, late callbacks, forgeries, incidents.

Pure: time is an argument, Unix seconds.  Threads must take turns.
"""

import heapq
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Final

from exporter.sending.requests import CallbackAnswer, UnsignedPacket
from exporter.simulator.expected import Expected
from exporter.simulator.forgery import Forgery, forge
from exporter.simulator.options import Options
from exporter.simulator.outgoing import Outgoing
from exporter.simulator.scenarios import SCENARIOS, is_struck
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
"""Events that an exporter may accept unsigned: a forgery made of them might be accepted."""

REDELIVERY_SECONDS: Final = (1.0, 60.0)
LATE_SECONDS: Final = (5.0, 90.0)

NETWORK_CUT: Final = CallbackAnswer(reason="the network is cut (receiver-outage)", sent=False)


@dataclass(slots=True)
class Counts:
    """What happened so far, for people to read; nothing is compared with it."""

    callbacks: int = 0
    requests: int = 0
    accepted: int = 0
    retries: int = 0
    redelivered: int = 0
    forged: int = 0
    not_delivered: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    latest_fault: str = ""


class SendingPlan:
    """A run from its first callback to its last retry."""

    def __init__(self, world: World, options: Options, began_at: float) -> None:
        self.expected = Expected()
        self.counts = Counts()
        self._in_flight = 0
        self._world = world
        self._options = options
        scenario = SCENARIOS[options.scenario]
        self._incident = scenario.incident()
        self._forged_share = scenario.forged_share
        self._chance = Random(options.seed)
        self._began_at = began_at
        self._next_at = began_at
        self._burst = 0
        self._stopped = False
        self._abandoned = False
        self._overheard: UnsignedPacket = {}
        self._order = count()
        self._waiting: list[tuple[float, int, Outgoing]] = []

    @property
    def waiting(self) -> int:
        """Return how many callbacks wait for another attempt."""
        return len(self._waiting)

    def is_making(self, now: float) -> bool:
        """Return whether new callbacks are made."""
        duration = self._options.duration
        return not self._stopped and not (duration and now >= self._began_at + duration)

    def is_done(self, now: float) -> bool:
        """Return whether nothing is left to send or to wait for."""
        return not (self.is_making(now) or self._waiting or self._in_flight)

    def take(self, now: float) -> Outgoing | Forgery | float:
        """Return what to send now, or for how many seconds there is nothing to send."""
        while True:
            if self._waiting and self._waiting[0][0] <= now:
                outgoing = heapq.heappop(self._waiting)[2]
            elif self.is_making(now) and (self._is_due(now) or self._burst):
                made = self._make(now)
                if made is None:
                    continue
                if isinstance(made, Forgery):
                    self._count_request()
                    return made
                outgoing = made
            else:
                return self._pause(now)
            self._count_request()
            self.counts.redelivered += outgoing.accepted > 0
            self.counts.retries += outgoing.sent > 0 and not outgoing.accepted
            outgoing.sent += 1
            if not (self._incident.cuts_network and self._is_struck(now)):
                return outgoing
            self.settle(outgoing, NETWORK_CUT, now)

    def settle(self, outgoing: Outgoing | Forgery, answer: CallbackAnswer, now: float) -> None:
        """Take note of the answer to what was sent."""
        self._in_flight -= 1
        if not answer.accepted:
            self.counts.faults[answer.reason] += 1
            self.counts.latest_fault = answer.reason
        if answer.refusal:
            self.expected.refuse(answer.refusal)
        if isinstance(outgoing, Forgery):
            if answer.accepted:  # refused, but forwarded: the answer is that of the consumer
                self.expected.refuse(outgoing.reason)
            elif answer.lost:
                self.expected.refuse_maybe()
            return
        was_accepted = outgoing.accepted > 0
        outgoing.accepted += answer.accepted
        outgoing.recorded += answer.recorded
        outgoing.lost += answer.lost
        if outgoing.accepted:
            self._settle_accepted(outgoing, now, first=not was_accepted)
        else:
            self._retry(outgoing, now)

    def abandon(self) -> None:
        """Make no more callbacks, and give up those that wait for another attempt."""
        self._stopped = self._abandoned = True
        for _, _, outgoing in self._waiting:
            self._give_up(outgoing)
        self._waiting.clear()

    def _make(self, now: float) -> Outgoing | Forgery | None:
        """Make the next callback or forgery; return None if the callback is held back for now."""
        before = self._world.pending
        self._incident.act(self._world, now, struck=self._is_struck(now))
        self._burst += self._world.pending - before
        if self._burst:
            self._burst -= 1
        else:
            self._next_at += 1 / self._options.rate if self._options.rate else 0
        if self._overheard and self._chance.random() < self._forged_share:
            self.counts.forged += 1
            return forge(self._overheard, self._chance)
        callback = self._world.next(now)
        self.counts.callbacks += 1
        if callback.event not in UNSIGNED_BY_CHOICE:
            self._overheard = callback.packet
        outgoing = Outgoing(callback)
        if self._chance.random() < self._options.late_share:
            self._wait(outgoing, now + self._scaled(self._chance.uniform(*LATE_SECONDS)))
            return None
        return outgoing

    def _settle_accepted(self, outgoing: Outgoing, now: float, *, first: bool) -> None:
        self.counts.accepted += first
        if first and self._chance.random() < self._options.redelivered_share:
            self._wait(outgoing, now + self._scaled(self._chance.uniform(*REDELIVERY_SECONDS)))
        else:
            self.expected.settle(outgoing.callback, outgoing.attempts)

    def _retry(self, outgoing: Outgoing, now: float) -> None:
        retries, seconds = RETRIES.get(outgoing.callback.event, OTHER_RETRIES)
        if outgoing.sent <= retries:
            self._wait(outgoing, now + self._scaled(seconds))
        else:
            self._give_up(outgoing)

    def _give_up(self, outgoing: Outgoing) -> None:
        self.expected.settle(outgoing.callback, outgoing.attempts)
        if not outgoing.accepted:
            self.counts.not_delivered[outgoing.callback.event] += 1

    def _wait(self, outgoing: Outgoing, until: float) -> None:
        if self._abandoned:
            self._give_up(outgoing)
            return
        heapq.heappush(self._waiting, (until, next(self._order), outgoing))

    def _scaled(self, seconds: float) -> float:
        return seconds / self._options.time_scale

    def _is_due(self, now: float) -> bool:
        return self._next_at <= now

    def _is_struck(self, now: float) -> bool:
        return is_struck(now - self._began_at, self._options.duration)

    def _count_request(self) -> None:
        self._in_flight += 1
        self.counts.requests += 1

    def _pause(self, now: float) -> float:
        times = [self._waiting[0][0]] if self._waiting else []
        if self.is_making(now):
            times.append(self._next_at)
        return max(0.0, min(times, default=now + 1.0) - now)
