"""The shortest correct ledger: nothing is durable, nothing is shared.

The oracle that the tests hold the others against.
"""

import threading
import time
from collections.abc import Iterable, Sequence

from exporter.ledger.deliveries import Newest, newest_first
from exporter.ledger.interface import (
    Cell,
    Delivery,
    Limits,
    Noted,
    Outcome,
    Posting,
    Receipt,
    Settled,
    Snapshot,
)
from exporter.metrics import catalogue
from exporter.metrics.entries import NAMELESS, Entry
from exporter.metrics.families import Increment
from exporter.protocol.vocabulary import OTHER, UNKNOWN

Stream = tuple[str, str, str]


class MemoryLedger:
    """A ``Ledger`` of dicts behind one lock."""

    failure: str | None = None

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._seen: dict[bytes, float] = {}
        self._sources: set[tuple[str, str]] = set()
        # identity -> (stream, its labels, origin, event time)
        self._open: dict[bytes, tuple[Stream, tuple[str, ...], str, float]] = {}
        self._heard: dict[Stream, float] = {}
        self._cells: dict[tuple[str, tuple[str, ...], str], tuple[int, float]] = {}
        self._deliveries = Newest()

    def submit(self, postings: Sequence[Posting], settled: Settled) -> None:
        """Record a group of postings at once; see ``Ledger``."""
        settled([self.record(*posting) for posting in postings])

    def record(self, entry: Entry, now: float) -> Receipt:
        """Record an entry; see ``Ledger``."""
        with self._lock:
            self._forget(now)
            if entry.stream in self._heard:
                self._heard[entry.stream] = max(self._heard[entry.stream], now)
            if entry.identity in self._seen or entry.identity in self._open:
                self._seen.setdefault(entry.identity, now)
                self._add(entry.counts_again(), now)
                return Receipt(Outcome.DUPLICATE)
            self._seen[entry.identity] = now
            source = self._source(entry, now)
            self._add(entry.counts_at(now), now, source)
            if entry.closes in self._open:
                self._close(entry.closes)
            if entry.opens and entry.stream:
                if entry.opens.interruption in self._seen:
                    return Receipt(Outcome.LATE)
                began = now if entry.occurred_at is None else entry.occurred_at
                self._open[entry.identity] = (entry.stream, source, entry.opens.origin, began)
                self._heard[entry.stream] = now
            return Receipt(Outcome.ACCEPTED)

    def tally(self, increments: Iterable[Increment]) -> None:
        """Add increments; see ``Ledger``."""
        with self._lock:
            self._add(increments, time.time())

    def waiting_tallies(self) -> Sequence[Increment]:
        """Return nothing: what is tallied is there at once; see ``Ledger``."""
        return ()

    def note(self, noted: Noted) -> None:
        """Remember a delivery; see ``Ledger``."""
        with self._lock:
            self._deliveries.add(noted)

    def deliveries(self) -> Sequence[Delivery]:
        """Return the deliveries kept; see ``Ledger``."""
        with self._lock:
            return newest_first((), self._deliveries.all())

    def snapshot(self) -> Snapshot:
        """Return all numbers; see ``Ledger``."""
        with self._lock:
            newest: dict[Stream, tuple[float, bytes, tuple[str, ...], str]] = {}
            for identity, (stream, source, origin, began) in self._open.items():
                newest[stream] = max(
                    newest.get(stream, (0.0, b"", (), "")), (began, identity, source, origin)
                )
            active: dict[tuple[str, ...], int] = {}
            for _, _, source, origin in newest.values():
                active[*source, origin] = active.get((*source, origin), 0) + 1
            gauges = [
                Cell(catalogue.ACTIVE_STREAMS.name, labels, "", streams, 0.0)
                for labels, streams in active.items()
            ]
            gauges.append(Cell(catalogue.OPEN_PUSHES.name, (), "", len(self._open), 0.0))
            gauges.append(Cell(catalogue.SOURCES.name, (), "", len(self._sources), 0.0))
            cells = [Cell(*key, *number) for key, number in self._cells.items()]
            oldest = min((began for *_, began in self._open.values()), default=None)
            return Snapshot([*cells, *gauges], oldest)

    def check(self) -> None:
        """Do nothing: memory can always commit."""

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""

    def _close(self, identity: bytes) -> None:
        stream, *_ = self._open.pop(identity)
        if all(stream != other for other, *_ in self._open.values()):
            del self._heard[stream]

    def _source(self, entry: Entry, now: float) -> tuple[str, str]:
        source = entry.source
        if source is None or source in NAMELESS or source in self._sources:
            return source or (UNKNOWN, UNKNOWN)
        if len(self._sources) < self._limits.max_sources:
            self._sources.add(source)
            return source
        self._add((catalogue.OVERFLOWED_SOURCES.add(),), now)
        return OTHER, OTHER

    def _add(
        self, increments: Iterable[Increment], now: float, source: tuple[str, ...] = ()
    ) -> None:
        for name, own, cell, amount in increments:
            family = catalogue.BY_NAME[name]
            labels = (*source, *own) if family.sourced else own
            value, created_at = self._cells.get((name, labels, cell), (0, now))
            value = max(value, amount) if family.latest else value + amount
            self._cells[name, labels, cell] = (value, created_at)

    def _forget(self, now: float) -> None:
        limits = self._limits
        for identity, seen_at in list(self._seen.items()):
            if seen_at < now - limits.dedupe_seconds:
                del self._seen[identity]
        silence = limits.push_idle_seconds + limits.hearing_seconds
        for identity, (stream, source, _, _) in list(self._open.items()):
            if limits.push_idle_seconds and self._heard[stream] < now - silence:
                self._add((catalogue.EXPIRED_PUSHES.add("idle"),), now, source)
                self._close(identity)
