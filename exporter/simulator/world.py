"""Hosts that live: they push, are recorded, captured and moderated, are cut off, come back.

Pure: chance is a seeded generator, and the caller gives the time.  The world has a time of
its own, in which pushes last as long as real ones; it passes as fast as callbacks are taken.
Times in packets are the caller's, durations are the world's.  Of hosts that were dropped some
are away for a while of the caller's time, since exporters look at that.
"""

import heapq
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import chain, count, islice, repeat
from random import Random

from exporter.simulator import habits as ways
from exporter.simulator import push_packets, weights
from exporter.simulator.activities import Activities
from exporter.simulator.away import Away
from exporter.simulator.callback import Callback, SimulatedStream
from exporter.simulator.habits import DAY, Habits
from exporter.simulator.hosts import (
    Entrance,
    Host,
    RunningPush,
    another_entrance,
    channel_of,
    host_of,
)

Activity = Callable[[Host, RunningPush, float], Iterable[Callback]]
"""What happens to a push at a Unix time, as callbacks."""


class World:
    """Hosts, and what happens to them next."""

    def __init__(
        self,
        seed: int,
        began_at: float,
        streams: int,
        habits: Habits,
        watched: Sequence[SimulatedStream] = (),
    ) -> None:
        """Make hosts; with the same arguments always the same ones.

        ``began_at`` (Unix seconds) also makes sequences and stream names those of this run,
        except the names of ``watched`` channels.
        """
        self.habits = habits
        self.errcodes: weights.Errcodes = weights.ERRCODES
        self.shut_origins: frozenset[str] = frozenset()
        """Origins from which nobody can begin a push."""
        self.dark = False
        """Whether channels cannot push."""
        self._chance = Random(seed)
        self._serials = count(int(began_at * 1000) * 1_000_000)
        self._do = Activities(self._chance, self._serials)
        self._order = count()
        self._time = 0.0
        self._coming: list[tuple[float, int, Callable[[float], None]]] = []
        self._happened: deque[Callback] = deque()
        run = f"{int(began_at * 1000):x}"
        self.hosts = [*self._channels(watched, run), *self._rooms(streams, run)]
        self._away = Away(len(self.hosts))
        for host in self.hosts:
            # Most are already live when we begin to look.
            wait = 0.0 if host.channel else self._chance.uniform(0, 60)
            if not host.channel and self._chance.random() > 0.7:
                wait += self._pause()
            self._later(wait, partial(self._begin, host))

    @property
    def pending(self) -> int:
        """Return how many callbacks have happened and are not taken yet."""
        return len(self._happened)

    def next(self, now: float) -> Callback:
        """Return the next callback, which happens at Unix time ``now``."""
        while not self._happened:
            back = self._away.back(now, anyway=not self._coming)
            if back:
                self._begin(back, now)
            else:
                self._time, _, happen = heapq.heappop(self._coming)
                happen(now)
        return self._happened.popleft()

    def drop(self, hosts: Iterable[Host], errcodes: weights.Errcodes, now: float) -> None:
        """Interrupt the pushes of hosts, all at once."""
        for host in hosts:
            if host.push:
                self._end(host, weights.draw(self._chance, errcodes), now)

    def darken(self, now: float) -> None:
        """Cut all channels; they cannot come back until ``relight``."""
        self.dark = True
        self.drop(self.channels(), weights.OUTAGE_ERRCODES, now)

    def relight(self, now: float) -> None:
        """Let all channels push again, at once."""
        self.dark = False
        for host in self.channels():
            self._begin(host, now)

    def channels(self) -> list[Host]:
        """Return the hosts that push all day."""
        return [host for host in self.hosts if host.channel]

    def pushing(self) -> list[Host]:
        """Return the hosts that push."""
        return [host for host in self.hosts if host.push]

    def pushing_from(self, origin: str) -> list[Host]:
        """Return the hosts whose newest push comes in at an origin."""
        return [host for host in self.hosts if host.push and host.push.entrance.origin == origin]

    def some(self, hosts: list[Host]) -> list[Host]:
        """Return a list of one host by chance; of no hosts an empty one."""
        return [self._chance.choice(hosts)] if hosts else []

    def _channels(self, watched: Sequence[SimulatedStream], run: str) -> list[Host]:
        named = [channel_of(stream, self._chance, watched=True) for stream in watched]
        others = [
            channel_of(
                SimulatedStream("push.example.com", "live", f"channel{number}-{run}"),
                self._chance,
                watched=False,
            )
            for number in range(len(named), self.habits.channels)
        ]
        return named + others

    def _rooms(self, streams: int, run: str) -> list[Host]:
        sources = [source for _, source in weights.SOURCES]
        # The first host is never shut out, the second is overseas: so two are enough.
        first = sources[0], next(one for one in sources if one.origin == "overseas")
        return [
            host_of(
                source or weights.draw(self._chance, weights.SOURCES),
                f"room{number}-{run}",
                self._chance,
            )
            for number, source in enumerate(islice(chain(first, repeat(None)), streams), 1)
        ]

    def _begin(self, host: Host, now: float, sequence: str | None = None) -> None:
        """Let a host push, unless it does; ``sequence`` is that of an attempt that failed."""
        if host.push or (host.channel and self.dark):
            return
        entrance = host.entrance
        if not host.channel and self._chance.random() < weights.OTHER_ENTRANCE_SHARE:
            entrance = another_entrance(entrance, self._chance)
        if entrance.origin in self.shut_origins:
            self._later(self._chance.uniform(30, 120), partial(self._begin, host))
            return
        push = self._new_push(entrance, sequence)
        # With one sequence only one attempt fails: a second would look like a redelivery.
        if sequence is None and self._chance.random() < weights.FAILED_SHARE:
            self._fail(host, push, now)
        else:
            self._start(host, push, now)

    def _fail(self, host: Host, push: RunningPush, now: float) -> None:
        """Let a push fail to begin; the host tries again soon, perhaps with the same sequence."""
        errcode = weights.draw(self._chance, weights.FAILURE_ERRCODES)
        at = host.ends_at(now, self._chance)
        self._happened.append(push_packets.failed_push(host, push, errcode, at))
        sequence = push.sequence if self._chance.random() < 0.5 else None
        self._later(self._chance.uniform(1, 20), partial(self._begin, host, sequence=sequence))

    def _start(self, host: Host, push: RunningPush, now: float) -> None:
        """Let a push begin, and what happens while it runs."""
        host.push = push
        at = host.begins_at(now, self._chance)
        self._happened.append(push_packets.push(host, push, at))
        self._happened.extend(self._do.status(host, push, "record_start_succeeded", now))
        self._keep_busy(host, push)
        if not host.channel:
            replaced = self._chance.expovariate(1 / self.habits.replacement_seconds)
            self._later(replaced, partial(self._replace, host, push))
            length = ways.lasting(self.habits.push_seconds, self.habits.push_spread, self._chance)
            self._later(min(DAY, length), partial(self._finish, host, push))

    def _keep_busy(self, host: Host, push: RunningPush) -> None:
        """Schedule what happens again and again while a push runs."""
        habits, do = self.habits, self._do
        every, about_every = self._every, self._about_every
        if host.recorded_as:
            self._during(host, push, every(habits.recording_seconds), self._record)
        if host.captured:
            self._during(host, push, every(habits.capture_seconds), do.capture)
        if host.moderated:
            self._during(host, push, about_every(habits.moderation_seconds), do.moderate)
        self._during(host, push, about_every(habits.error_seconds), do.err)
        self._during(host, push, about_every(habits.rare_seconds), do.make_rare)

    def _replace(self, host: Host, push: RunningPush, now: float) -> None:
        """Let another push of the stream begin; the former one ends a little later."""
        entrance = another_entrance(push.entrance, self._chance)
        if host.push is push and entrance.origin not in self.shut_origins:
            self._start(host, self._new_push(entrance), now)
            self._later(self._chance.uniform(1, 60), partial(self._end_replaced, host, push))

    def _end_replaced(self, host: Host, push: RunningPush, now: float) -> None:
        errcode = weights.draw(self._chance, weights.REPLACED_ERRCODES)
        self._interrupt(host, push, errcode, now)

    def _finish(self, host: Host, push: RunningPush, now: float) -> None:
        if host.push is push:
            self._end(host, weights.draw(self._chance, self.errcodes), now)

    def _end(self, host: Host, errcode: weights.SentErrcode, now: float) -> None:
        """End the newest push of a host, which goes away for a while."""
        assert host.push  # noqa: S101 - callers looked
        self._interrupt(host, host.push, errcode, now)
        host.push = None
        if host.channel:
            self._away.add(host, now, self._chance, soon=True)
            return
        pause = self._pause()
        if errcode.cause == "client_stop":
            pause *= ways.quietness(self._time) if self.habits.diurnal else 1
        elif errcode.cause != "operator" and self._away.has_room():
            self._away.add(host, now, self._chance)
            return
        else:
            pause = min(pause, self._chance.uniform(2, 60))  # they want to come back
        self._later(pause, partial(self._begin, host))

    def _interrupt(
        self, host: Host, push: RunningPush, errcode: weights.SentErrcode, now: float
    ) -> None:
        lasted = round((self._time - push.lived_since) * 1000)
        at = host.ends_at(now, self._chance)
        self._happened.append(push_packets.interruption(host, push, errcode, lasted, at))
        self._happened.extend(self._record(host, push, now))
        self._happened.extend(self._do.status(host, push, "record_ended", now))

    def _record(self, host: Host, push: RunningPush, now: float) -> Iterable[Callback]:
        return self._do.record(host, push, self._time, now)

    def _new_push(self, entrance: Entrance, sequence: str | None = None) -> RunningPush:
        serial = next(self._serials)
        return RunningPush(
            sequence=sequence or str(serial),
            entrance=entrance,
            lived_since=self._time,
            recording=f"rec{serial}",
            recorded_since=self._time,
            node=self._chance.choice(weights.NODES),
            picture=weights.draw(self._chance, weights.PICTURES),
        )

    def _during(
        self, host: Host, push: RunningPush, wait: Callable[[], float], happen: Activity
    ) -> None:
        def again(now: float) -> None:
            if host.push is push:
                self._happened.extend(happen(host, push, now))
                self._later(wait(), again)

        self._later(wait(), again)

    def _every(self, seconds: float) -> Callable[[], float]:
        return lambda: seconds

    def _about_every(self, seconds: float) -> Callable[[], float]:
        return lambda: self._chance.expovariate(1 / seconds)

    def _later(self, seconds: float, happen: Callable[[float], None]) -> None:
        """Let something happen after so long of the world's time."""
        heapq.heappush(self._coming, (self._time + seconds, next(self._order), happen))

    def _pause(self) -> float:
        return ways.lasting(self.habits.pause_seconds, self.habits.pause_spread, self._chance)
