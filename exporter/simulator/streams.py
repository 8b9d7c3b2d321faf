"""Which streams are active, which are dropped, given the callbacks that were accepted.

Pure.  Callbacks come in any order.  If an answer is lost, only the ledger knows whether its
callback counts.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from exporter.metrics import catalogue
from exporter.simulator.callback import Callback, PushBegun, PushEnded, SimulatedStream
from exporter.simulator.gauges import Drop, Watched
from exporter.simulator.samples import Range, Sample, sample


class _Past(NamedTuple):
    """A push that has begun and ended, both for certain."""

    began_at_ms: int
    ended: PushEnded


class Streams:
    """The pushes of all streams; of those that are over only the newest of each stream."""

    def __init__(self) -> None:
        self._open: dict[str, PushBegun] = {}
        self._perhaps_begun: dict[str, PushBegun] = {}
        self._ended: dict[str, PushEnded] = {}
        """Ended for certain, and not begun for certain."""
        self._perhaps_ended: dict[str, PushEnded] = {}
        self._newest_past: dict[SimulatedStream, _Past] = {}

    def count(self, callback: Callback) -> None:
        """Add a callback that was accepted."""
        if (begun := callback.begins) is not None:
            if (ended := self._ended.pop(begun.sequence, None)) is not None:
                self._pass(begun, ended)
            else:
                self._open[begun.sequence] = begun
        elif (ended := callback.ends) is not None:
            if (begun := self._open.pop(ended.sequence, None)) is not None:
                self._pass(begun, ended)
            else:
                self._ended[ended.sequence] = ended

    def count_perhaps(self, callback: Callback) -> None:
        """Add a callback that may have been recorded."""
        if callback.begins is not None:
            self._perhaps_begun[callback.begins.sequence] = callback.begins
        elif callback.ends is not None:
            self._perhaps_ended[callback.ends.sequence] = callback.ends

    @property
    def active(self) -> int:
        """Return how many streams have an open push, lost answers left aside."""
        return len({push.stream for push in self._open.values()})

    def samples(self) -> dict[Sample, Range]:
        """Return active streams by source and origin, and open pushes."""
        surely, perhaps = self._surely_open(), self._perhaps_open()
        found = {Sample(catalogue.OPEN_PUSHES.name): Range(len(surely), len(perhaps))}
        least: Counter[Sample] = Counter()
        most: Counter[Sample] = Counter()
        sure_by_stream = _by_stream(surely)
        for stream, pushes in _by_stream(perhaps).items():
            sure = sure_by_stream.get(stream, [])
            if len(sure) == len(pushes):
                pushes = [max(pushes, key=lambda push: push.began_at_ms)]  # noqa: PLW2901
            shown = {_active(push) for push in pushes}
            most.update(shown)
            if sure and len(shown) == 1:
                least.update(shown)
        return found | {one: Range(least[one], number) for one, number in most.items()}

    def drops(self) -> Iterator[Drop]:
        """Yield the streams that are dropped.

        A stream with doubtful pushes may be yielded several times, each not certain.
        """
        active = {push.stream for push in self._open.values()}
        unclear = (*self._ended.values(), *self._perhaps_ended.values())
        doubtful = {push.stream for push in unclear}
        doubtful |= {push.stream for push in self._perhaps_begun.values()}
        for stream, (_, ended) in self._newest_past.items():
            if ended.is_drop and (stream in doubtful or stream not in active):
                yield _drop(ended, certain=stream not in doubtful)
        for ended in unclear:
            if ended.is_drop:
                yield _drop(ended, certain=False)

    def watched(self, streams: Iterable[SimulatedStream]) -> Iterator[Watched]:
        """Yield how each of some streams is."""
        surely, perhaps = _by_stream(self._surely_open()), _by_stream(self._perhaps_open())
        for stream in streams:
            if stream in surely:
                yield Watched(stream, True, min(push.began_at_ms for push in surely[stream]))
            elif stream in perhaps:
                yield Watched(stream, None, None)
            else:
                past = self._newest_past.get(stream)
                yield Watched(stream, False, past.ended.ended_at_ms if past else None)

    def _pass(self, begun: PushBegun, ended: PushEnded) -> None:
        newest = self._newest_past.get(begun.stream)
        if newest is None or begun.began_at_ms > newest.began_at_ms:
            self._newest_past[begun.stream] = _Past(begun.began_at_ms, ended)

    def _surely_open(self) -> list[PushBegun]:
        return [push for push in self._open.values() if push.sequence not in self._perhaps_ended]

    def _perhaps_open(self) -> list[PushBegun]:
        begun = self._perhaps_begun.values()
        return [
            *self._open.values(),
            *(push for push in begun if push.sequence not in self._ended),
        ]


def _by_stream(pushes: Iterable[PushBegun]) -> dict[SimulatedStream, list[PushBegun]]:
    found = defaultdict(list)
    for push in pushes:
        found[push.stream].append(push)
    return found


def _active(push: PushBegun) -> Sample:
    return sample(
        catalogue.ACTIVE_STREAMS.name,
        push_domain=push.stream.push_domain,
        app_name=push.stream.app_name,
        origin=push.origin,
    )


def _drop(ended: PushEnded, *, certain: bool) -> Drop:
    return Drop(ended.stream, ended.origin, ended.ended_at_ms, certain)
