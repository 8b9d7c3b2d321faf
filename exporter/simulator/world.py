"""Hosts that live: they push, are recorded, captured and moderated, are cut off, come back.

Pure: chance is a seeded generator, and the caller gives the time.  The world has a time of
its own, in which pushes last as long as real ones; it passes as fast as callbacks are taken.
Times in packets are the caller's, durations are the world's.
"""

import heapq
import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import chain, count, islice, repeat
from random import Random
from typing import Final

from exporter.simulator import packets, rare_packets, weights
from exporter.simulator.callback import Callback
from exporter.simulator.hosts import Host, Push

DAY: Final = 86400.0


@dataclass(frozen=True, slots=True)
class Habits:
    """How hosts live; seconds of the world's time."""

    push_seconds: float = 1500  # median; a few last a day
    push_spread: float = 1.3
    pause_seconds: float = 600
    pause_spread: float = 1.0
    capture_seconds: float = 180
    recording_seconds: float = 1800
    moderation_seconds: float = 7200
    error_seconds: float = 3600
    rare_seconds: float = 3600
    diurnal: bool = False


class World:
    """Hosts, and what happens to them next."""

    def __init__(self, seed: int, began_at: float, streams: int, habits: Habits) -> None:
        """Make hosts; with the same arguments always the same ones.

        ``began_at`` (Unix seconds) also makes sequences and stream names those of this run.
        """
        self.habits = habits
        self.errcodes: weights.Errcodes = weights.ERRCODES
        self.shut_origins: frozenset[str] = frozenset()
        """Origins from which nobody can begin a push."""
        self._chance = Random(seed)
        self._serials = count(int(began_at * 1000) * 1_000_000)
        self._order = count()
        self._time = 0.0
        self._coming: list[tuple[float, int, Callable[[float], None]]] = []
        self._happened: deque[Callback] = deque()
        run = f"{int(began_at * 1000):x}"
        # The first host is never shut out, the second is overseas: so two are enough.
        first = (
            weights.SOURCES[0][1],
            next(one for _, one in weights.SOURCES if one.origin == "overseas"),
        )
        self.hosts = [
            self._host(f"room{number}-{run}", source)
            for number, source in enumerate(islice(chain(first, repeat(None)), streams), 1)
        ]
        for host in self.hosts:
            # Most are already live when we begin to look.
            wait = self._chance.uniform(0, 60)
            if self._chance.random() > 0.7:
                wait += self._lasting(habits.pause_seconds, habits.pause_spread)
            self._later(wait, partial(self._begin, host))

    @property
    def pending(self) -> int:
        """Return how many callbacks have happened and are not taken yet."""
        return len(self._happened)

    def next(self, now: float) -> Callback:
        """Return the next callback, which happens at Unix time ``now``."""
        while not self._happened:
            self._time, _, happen = heapq.heappop(self._coming)
            happen(now)
        return self._happened.popleft()

    def drop(self, hosts: Iterable[Host], errcodes: weights.Errcodes, now: float) -> None:
        """Interrupt the pushes of hosts, all at once."""
        for host in hosts:
            if host.push:
                self._end(host, weights.draw(self._chance, errcodes), now)

    def pushing(self) -> list[Host]:
        """Return the hosts that push."""
        return [host for host in self.hosts if host.push]

    def some(self, hosts: list[Host]) -> list[Host]:
        """Return a list of one host by chance; of no hosts an empty one."""
        return [self._chance.choice(hosts)] if hosts else []

    def _host(self, stream_id: str, source: weights.Source | None) -> Host:
        chance = self._chance
        source = source or weights.draw(chance, weights.SOURCES)
        recorded = chance.random() < 0.5
        return Host(
            source=source,
            stream_id=stream_id,
            set_id=chance.choice(weights.SET_IDS[source.origin]),
            recorded_as=weights.draw(chance, weights.RECORDING_FORMATS) if recorded else None,
            captured=chance.random() < 0.6,
            moderated=chance.random() < 0.6,
        )

    def _begin(self, host: Host, now: float) -> None:
        if host.push:
            return
        if host.source.origin in self.shut_origins:
            self._later(self._chance.uniform(30, 120), partial(self._begin, host))
            return
        serial = next(self._serials)
        push = Push(str(serial), self._time, int(now), f"rec{serial}", self._time)
        host.push = push
        self._happened.append(packets.push(host, push))
        if host.recorded_as:
            self._report_status(host, "record_start_succeeded", now)
            self._during(self.habits.recording_seconds, self._record, host, push, regular=True)
        if host.captured:
            self._during(self.habits.capture_seconds, self._capture, host, push, regular=True)
        if host.moderated:
            self._during(self.habits.moderation_seconds, self._moderate, host, push)
        self._during(self.habits.error_seconds, self._make_errors, host, push)
        self._during(self.habits.rare_seconds, self._make_rare, host, push)
        length = min(DAY, self._lasting(self.habits.push_seconds, self.habits.push_spread))
        self._later(length, partial(self._finish, host, push))

    def _finish(self, host: Host, push: Push, now: float) -> None:
        if host.push is push:
            self._end(host, weights.draw(self._chance, self.errcodes), now)

    def _end(self, host: Host, errcode: weights.SentErrcode, now: float) -> None:
        push = host.push
        assert push  # noqa: S101 - callers looked
        lasted = round((self._time - push.lived_since) * 1000)
        self._happened.append(packets.interruption(host, push, errcode, lasted, int(now)))
        if host.recorded_as:
            self._record(host, now)
            self._report_status(host, "record_ended", now)
        host.push = None
        pause = self._lasting(self.habits.pause_seconds, self.habits.pause_spread)
        if errcode.cause != "client_stop":
            pause = min(pause, self._chance.uniform(2, 60))  # they want to come back
        elif self.habits.diurnal:
            pause *= self._quietness()
        self._later(pause, partial(self._begin, host))

    def _record(self, host: Host, now: float) -> None:
        push = host.push
        assert push  # noqa: S101 - callers looked
        seconds = int(self._time - push.recorded_since)
        if seconds:
            serial = next(self._serials)
            push.recorded_since = self._time
            self._happened.append(
                packets.recording(host, push, seconds, self._chance, int(now), serial)
            )

    def _report_status(self, host: Host, status: str, now: float) -> None:
        assert host.push  # noqa: S101 - callers looked
        serial = next(self._serials)
        self._happened.append(packets.recording_status(host, host.push, status, int(now), serial))

    def _capture(self, host: Host, now: float) -> None:
        serial = next(self._serials)
        self._happened.append(packets.screencapture(host, self._chance, int(now), serial))

    def _moderate(self, host: Host, now: float) -> None:
        serial = next(self._serials)
        if self._chance.random() < 0.6:
            found = packets.porn_detection(host, self._chance, int(now), serial)
        else:
            found = packets.audio_moderation(host, self._chance, serial)
        self._happened.append(found)

    def _make_errors(self, host: Host, now: float) -> None:
        if host.push and host.first_in_second("push_error", int(now)):
            self._happened.append(packets.push_error(host, host.push, self._chance, int(now)))
        if host.recorded_as and self._chance.random() < 0.1:
            self._report_status(host, "record_paused", now)
            self._report_status(host, "record_resumed", now)

    def _make_rare(self, host: Host, now: float) -> None:
        make = weights.draw(self._chance, rare_packets.MAKERS)
        callback = make(host, self._chance, int(now), next(self._serials))
        if callback:
            self._happened.append(callback)

    def _during(
        self,
        seconds: float,
        happen: Callable[[Host, float], None],
        host: Host,
        push: Push,
        *,
        regular: bool = False,
    ) -> None:
        """Let something happen every so often while a push runs."""

        def again(now: float) -> None:
            if host.push is push:
                happen(host, now)
                self._later(wait(), again)

        def wait() -> float:
            return seconds if regular else self._chance.expovariate(1 / seconds)

        self._later(wait(), again)

    def _later(self, seconds: float, happen: Callable[[float], None]) -> None:
        """Let something happen after so long of the world's time."""
        heapq.heappush(self._coming, (self._time + seconds, next(self._order), happen))

    def _lasting(self, median: float, spread: float) -> float:
        """Return a heavy-tailed length: many short ones, a few very long."""
        return max(1.0, self._chance.lognormvariate(math.log(median), spread))

    def _quietness(self) -> float:
        """Return by how much pauses are longer at this hour: least in the evening."""
        return 2.2 - 1.8 * math.cos(2 * math.pi * (self._time / DAY - 20 / 24))
