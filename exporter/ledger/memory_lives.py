"""The pushes of the ledger in memory, without an index: each search looks at all of them."""

import math
from collections import Counter
from collections.abc import Collection, Container, Iterator
from dataclasses import dataclass, field

from exporter.ledger.changes import OpenPush
from exporter.ledger.history import By, KeptPush, KnownPush
from exporter.ledger.pushes import JOIN_MS
from exporter.metrics.entries import Said
from exporter.protocol.errcodes import INTENDED, errcode_of
from exporter.protocol.vocabulary import Stream


@dataclass
class Life:
    """What is known of a push: it is open while ``ended_at_ms`` is None."""

    stream: Stream
    labels: tuple[str, ...]
    origin: str
    began_at_ms: int
    heard_at: float
    begun_by: By | None = None
    ended_at_ms: int | None = None
    ended_by: By | None = None
    errcode: int | None = None
    """The identity of its interruption; None while that is not known."""
    said: Said = field(default_factory=Said)

    def has(self, *, ends: bool) -> bool:
        """Return whether its interruption, or else its push event, is known."""
        return self.errcode is not None if ends else self.begun_by is By.PUSH


class Lives(dict[bytes, Life]):
    """All pushes that are kept, by identity."""

    def open(self) -> Iterator[tuple[bytes, Life]]:
        """Yield those that are open."""
        return ((one, life) for one, life in self.items() if life.ended_at_ms is None)

    def ended(self, before: float = math.inf) -> list[tuple[int, bytes]]:
        """Return those that ended before a Unix time: at which millisecond, and by identity."""
        return [
            (life.ended_at_ms, one)
            for one, life in self.items()
            if life.ended_at_ms is not None and life.ended_at_ms / 1000 < before
        ]

    def newest_open(self, stream: Stream | None) -> bytes | None:
        """Return the newest open push of a stream."""
        own = [(life.began_at_ms, one) for one, life in self.open() if life.stream == stream]
        return max(own)[1] if own else None

    def active(self) -> Counter[tuple[str, ...]]:
        """Return how many streams are active, by labels."""
        newest = [self.newest_open(stream) for stream in {life.stream for _, life in self.open()}]
        lives = [self[one] for one in newest if one]
        return Counter((*life.labels, life.origin) for life in lives)

    def dropped(
        self, active: Container[Stream], window_ms: tuple[int, int]
    ) -> Counter[tuple[str, ...]]:
        """Return how many streams are dropped, by labels."""
        newest: dict[Stream, tuple[int, bytes]] = {}
        for identity, life in self.items():
            place = (life.began_at_ms, identity)
            newest[life.stream] = max(newest.get(life.stream, place), place)
        since, until = window_ms
        found: Counter[tuple[str, ...]] = Counter()
        for stream, (_, identity) in newest.items():
            life = self[identity]
            if stream in active or life.errcode is None or life.ended_at_ms is None:
                continue
            intended = errcode_of(life.errcode).cause in INTENDED
            if not intended and since <= life.ended_at_ms <= until:
                found[*life.labels, life.origin] += 1
        return found

    def join(self, stream: Stream, at_ms: int, *, ends: bool) -> None:
        """Delete the push that only the platform's list had, if an event is about it."""
        until_ms = at_ms if ends else at_ms + JOIN_MS
        for identity, life in list(self.open()):
            is_it = life.stream == stream and life.begun_by is By.RECONCILED
            if is_it and life.began_at_ms <= until_ms:
                del self[identity]
                return

    def seen(self) -> list[OpenPush]:
        """Return the open pushes as reconciliation wants them."""
        return [
            OpenPush(life.stream, one, life.began_at_ms, int(life.heard_at * 1000))
            for one, life in self.open()
        ]

    def known(self, streams: Collection[Stream]) -> list[KnownPush]:
        """Return those of some streams as backfill wants them."""
        return [
            KnownPush(
                identity,
                life.stream,
                life.origin,
                life.began_at_ms,
                life.begun_by,
                life.ended_at_ms,
                life.ended_by,
                life.said.interruption,
            )
            for identity, life in self.items()
            if life.stream in streams
        ]

    def kept(self, stream: Stream | None = None) -> list[KeptPush]:
        """Return all, or those of a stream, as pages want them."""
        return [
            KeptPush(
                identity,
                life.stream,
                life.origin,
                life.began_at_ms,
                life.ended_at_ms,
                *(getattr(life.said, name) for name in KeptPush._fields[5:]),
            )
            for identity, life in self.items()
            if stream in (None, life.stream)
        ]
