"""The shortest correct ledger: nothing is durable, nothing is shared.

The oracle that the tests hold the others against.
"""

import threading
import time
from collections.abc import Iterable, Sequence

from exporter.ledger.deliveries import Newest, newest_first
from exporter.ledger.gauges import with_limits
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
from exporter.metrics.families import Family, Increment
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
        self._series: set[tuple[str, tuple[str, ...]]] = set()
        # identity -> (stream, its labels, origin, event time in milliseconds)
        self._open: dict[bytes, tuple[Stream, tuple[str, ...], str, int]] = {}
        self._heard: dict[bytes, float] = {}
        self._cells: dict[tuple[str, tuple[str, ...], str], tuple[int, float]] = {}
        self._deliveries = Newest()

    def submit(self, postings: Sequence[Posting], settled: Settled) -> None:
        """Record a group of postings at once; see ``Ledger``."""
        settled([self.record(*posting) for posting in postings])

    def record(self, entry: Entry, now: float) -> Receipt:
        """Record an entry; see ``Ledger``."""
        with self._lock:
            self._forget(now)
            outcome = self._take(entry, now)
            if not entry.closes and outcome is not Outcome.LATE:
                own = [one for one, (stream, *_) in self._open.items() if stream == entry.stream]
                if own:
                    newest = max(own, key=lambda one: (self._open[one][-1], one))
                    self._heard[newest] = max(self._heard[newest], now)
            return Receipt(outcome)

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
            newest: dict[Stream, tuple[int, bytes, tuple[str, ...], str]] = {}
            for identity, (stream, source, origin, began) in self._open.items():
                newest[stream] = max(
                    newest.get(stream, (-1, b"", (), "")), (began, identity, source, origin)
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
            gauges.append(Cell(catalogue.SERIES.name, (), "", len(self._series), 0.0))
            cells = [Cell(*key, *number) for key, number in self._cells.items()]
            oldest = min((began for *_, began in self._open.values()), default=None)
            oldest_at = None if oldest is None else oldest / 1000
            return with_limits(Snapshot([*cells, *gauges], oldest_at), self._limits)

    def check(self) -> None:
        """Do nothing: memory can always commit."""

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""

    def _take(self, entry: Entry, now: float) -> Outcome:
        if entry.identity in self._seen or entry.identity in self._open:
            self._seen.setdefault(entry.identity, now)
            self._add(entry.counts_again(), now)
            return Outcome.DUPLICATE
        self._seen[entry.identity] = now
        source = self._source(entry, now)
        self._add(entry.counts_at(now), now, source)
        if entry.closes in self._open:
            self._close(entry.closes)
        if entry.opens and entry.stream:
            began_ms = int(now * 1000) if entry.occurred_at_ms is None else entry.occurred_at_ms
            origin = entry.opens.origin
            *labels, _ = self._labels(catalogue.ACTIVE_STREAMS, source, (origin,))
            if entry.opens.interruption in self._seen:
                return Outcome.LATE
            self._open[entry.identity] = (entry.stream, tuple(labels), origin, began_ms)
            self._heard[entry.identity] = now
        return Outcome.ACCEPTED

    def _close(self, identity: bytes) -> None:
        del self._open[identity], self._heard[identity]

    def _source(self, entry: Entry, now: float) -> tuple[str, str]:
        source = entry.source
        if source is None or source in NAMELESS or source in self._sources:
            return source or (UNKNOWN, UNKNOWN)
        if len(self._sources) < self._limits.max_sources:
            self._sources.add(source)
            return source
        self._add((catalogue.OVERFLOWED_SOURCES.add(),), now)
        return OTHER, OTHER

    def _labels(
        self, family: Family, source: tuple[str, ...], own: tuple[str, ...]
    ) -> tuple[str, ...]:
        """Return all labels of a series, admitting a new one while there is room."""
        if not family.sourced:
            return own
        series = (family.name, (*source, *own))
        if series not in self._series and source not in NAMELESS:
            if len(self._series) >= self._limits.max_series:
                return (OTHER, OTHER, *own)
            self._series.add(series)
        return (*source, *own)

    def _add(
        self, increments: Iterable[Increment], now: float, source: tuple[str, ...] = ()
    ) -> None:
        for name, own, cell, amount in increments:
            family = catalogue.BY_NAME[name]
            labels = self._labels(family, source, own)
            value, created_at = self._cells.get((name, labels, cell), (0, now))
            value = max(value, amount) if family.latest else value + amount
            self._cells[name, labels, cell] = (value, created_at)

    def _forget(self, now: float) -> None:
        limits = self._limits
        for identity, seen_at in list(self._seen.items()):
            if seen_at < now - limits.dedupe_seconds:
                del self._seen[identity]
        silence = limits.silence_ms / 1000
        for identity, (_, source, _, _) in list(self._open.items()):
            if limits.push_idle_seconds and self._heard[identity] < now - silence:
                self._add((catalogue.EXPIRED_PUSHES.add("idle"),), now, source)
                self._close(identity)
