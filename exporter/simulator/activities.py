"""What happens while a push runs: recordings, captures, moderation, errors, the rarer events.

Pure.  ``now`` is Unix time.
"""

from collections.abc import Iterator
from random import Random

from exporter.simulator import packets, push_packets, rare_packets, weights
from exporter.simulator.callback import Callback
from exporter.simulator.hosts import Host, RunningPush


class Activities:
    """Makes the callbacks of running pushes."""

    def __init__(self, chance: Random, serials: Iterator[int]) -> None:
        self._chance = chance
        self._serials = serials

    def status(self, host: Host, push: RunningPush, status: str, now: float) -> Iterator[Callback]:
        """Yield that a recording, if there is one, changed its state."""
        if host.recorded_as:
            serial = next(self._serials)
            yield packets.recording_status(host, push, status, int(now), serial)

    def record(self, host: Host, push: RunningPush, time: float, now: float) -> Iterator[Callback]:
        """Yield the file of all that was recorded until a time of the world."""
        seconds = int(time - push.recorded_since)
        if host.recorded_as and seconds:
            serial = next(self._serials)
            push.recorded_since = time
            yield packets.recording(host, push, seconds, self._chance, int(now), serial)

    def capture(self, host: Host, _push: RunningPush, now: float) -> Iterator[Callback]:
        """Yield a screencapture."""
        yield packets.screencapture(host, self._chance, int(now), next(self._serials))

    def moderate(self, host: Host, _push: RunningPush, now: float) -> Iterator[Callback]:
        """Yield a suspicious picture or sound."""
        serial = next(self._serials)
        if self._chance.random() < 0.6:
            yield packets.porn_detection(host, self._chance, int(now), serial)
        else:
            yield packets.audio_moderation(host, self._chance, serial)

    def err(self, host: Host, push: RunningPush, now: float) -> Iterator[Callback]:
        """Yield faults of the push, and now and then a pause of its recording."""
        if host.first_in_second("push_error", int(now)):
            yield push_packets.push_error(host, push, self._chance, int(now))
        if self._chance.random() < 0.1:
            yield from self.status(host, push, "record_paused", now)
            yield from self.status(host, push, "record_resumed", now)

    def make_rare(self, host: Host, _push: RunningPush, now: float) -> Iterator[Callback]:
        """Yield one of the rarer events."""
        make = weights.draw(self._chance, rare_packets.MAKERS)
        callback = make(host, self._chance, int(now), next(self._serials))
        if callback:
            yield callback
