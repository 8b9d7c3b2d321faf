"""The shortest correct ledger: nothing is durable, nothing is shared.

The oracle that the tests hold the others against.
"""

import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from heapq import nsmallest
from math import ceil

from exporter.ledger import dropped, history, watching
from exporter.ledger.changes import LONGEST_LEASE, Changes, Online, OpenPush, Reconciled
from exporter.ledger.deliveries import Newest, newest_first
from exporter.ledger.facts import merged
from exporter.ledger.gauges import with_limits
from exporter.ledger.history import By
from exporter.ledger.interface import (
    Cell,
    Delivery,
    Noted,
    Outcome,
    Posting,
    Receipt,
    Settled,
    Snapshot,
)
from exporter.ledger.limits import Limits
from exporter.ledger.memory_lives import Life, Lives
from exporter.metrics import catalogue
from exporter.metrics.entries import NAMELESS, Entry, Source, source_of
from exporter.metrics.families import Family, Increment
from exporter.protocol.errcodes import errcode_of
from exporter.protocol.vocabulary import OTHER, UNKNOWN, Stream


class MemoryLedger:
    """A ``Ledger`` of dicts behind one lock."""

    failure: str | None = None

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.time) -> None:
        self._limits = limits
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: dict[bytes, float] = {}
        self._sources: set[Source] = set()
        self._series: set[tuple[str, tuple[str, ...]]] = set()
        self._pushes = Lives()
        self._leases: dict[str, tuple[str, float]] = {}
        self._watched: list[Stream] = []
        self._cells: dict[tuple[str, tuple[str, ...], str], tuple[int, float]] = {}
        self._deliveries = Newest()
        self._pruned_ms = 0

    def submit(self, postings: Sequence[Posting], settled: Settled) -> None:
        """Record a group of postings at once; see ``Ledger``."""
        settled([self.record(*posting) for posting in postings])

    def record(self, entry: Entry, now: float) -> Receipt:
        """Record an entry; see ``Ledger``."""
        with self._lock:
            self._forget(now)
            outcome = self._take(entry, now)
            speaks_of_others = not entry.report or (
                outcome is Outcome.DUPLICATE and not entry.report.ends
            )
            if speaks_of_others and (newest := self._pushes.newest_open(entry.stream)):
                self._pushes[newest].heard_at = max(self._pushes[newest].heard_at, now)
            return Receipt(outcome)

    def tally(self, increments: Iterable[Increment]) -> None:
        """Add increments; see ``Ledger``."""
        with self._lock:
            self._add(increments, self._clock())

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
            open_pushes = [life for _, life in self._pushes.open()]
            streams = {one.stream for one in open_pushes}
            window = dropped.window_ms(self._limits, self._clock())
            gauges = {
                (family, labels): number
                for family, found in (
                    (catalogue.ACTIVE_STREAMS, self._pushes.active()),
                    (catalogue.DROPPED_STREAMS, self._pushes.dropped(streams, window)),
                )
                for labels, number in found.items()
            }
            gauges[catalogue.OPEN_PUSHES, ()] = len(open_pushes)
            gauges[catalogue.SOURCES, ()] = len(self._sources)
            gauges[catalogue.SERIES, ()] = len(self._series)
            cells = [Cell(*key, *number) for key, number in self._cells.items()]
            cells += [Cell(key.name, own, "", one, 0.0) for (key, own), one in gauges.items()]
            watched = watching.streams_with_series(self._limits, self._watched)
            cells = watching.watched_cells(cells, watched, streams)
            oldest = min((one.began_at_ms for one in open_pushes), default=None)
            return with_limits(
                Snapshot(cells, None if oldest is None else oldest / 1000), self._limits
            )

    def streams(self, query: history.StreamQuery) -> history.StreamPage:
        """Return a page of streams; see ``Ledger``."""
        with self._lock:
            window = dropped.window_ms(self._limits, self._clock())
            return history.select(self._pushes.kept(), query, window)

    def pushes_of(self, stream: Stream, most: int) -> history.StreamHistory:
        """Return the newest pushes of a stream; see ``Ledger``."""
        with self._lock:
            own = self._pushes.kept(stream)
            own.sort(key=lambda one: (one.is_open, one.began_at_ms, one.identity), reverse=True)
            return history.history_of(own[:most], dropped.window_ms(self._limits, self._clock()))

    def open_pushes(self) -> Sequence[OpenPush]:
        """Return all open pushes; see ``Ledger``."""
        with self._lock:
            return self._pushes.seen()

    def reconcile(self, changes: Changes) -> Reconciled:
        """Open and close pushes; see ``Ledger``."""
        with self._lock:
            now = self._clock()
            closing = [
                life
                for one in changes.closed
                for identity, life in self._pushes.open()
                if identity == one.identity and int(life.heard_at * 1000) <= one.heard_at_ms
            ]
            for life in closing:
                self._close(life, By.RECONCILED, int(now * 1000), now)
            opened = sum(self._open(one, now) for one in changes.opened)
            done = Reconciled(opened, len(closing))
            self._add(done.increments(), now)
            return done

    def lease(self, name: str, holder: str, seconds: float) -> bool:
        """Return whether a holder has a name to itself; see ``Ledger``."""
        with self._lock:
            now = self._clock()
            owner, until = self._leases.get(name, (holder, 0.0))
            if owner != holder and now <= until <= now + LONGEST_LEASE:
                return False
            self._leases[name] = (holder, now + seconds)
            return True

    def known_pushes(self, streams: Collection[Stream]) -> history.KnownPushes:
        """Return all pushes kept of some streams; see ``Ledger``."""
        with self._lock:
            return history.KnownPushes(self._pushes.known(streams), self._pruned_ms)

    def check(self) -> None:
        """Do nothing: memory can always commit."""

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""

    def _take(self, entry: Entry, now: float) -> Outcome:
        report, stream = entry.report, entry.stream
        push = self._pushes.get(report.push) if report else None
        known = (
            push
            and report
            and (push.errcode is not None if report.ends else push.begun_by is By.PUSH)
        )
        if entry.identity in self._seen or known:
            self._add(entry.counts_again(), now)
            return Outcome.DUPLICATE
        self._seen[entry.identity] = now
        named = entry.source or (UNKNOWN, UNKNOWN)
        source = self._source(named)
        if source != named:
            self._add((catalogue.OVERFLOWED_SOURCES.add(),), now)
        self._add(entry.counts_at(now), now, source)
        if report is None or stream is None:
            return Outcome.ACCEPTED
        at_ms = int(now * 1000) if entry.occurred_at_ms is None else entry.occurred_at_ms
        if self._is_watched(stream, named):
            self._add(catalogue.WATCHED_LAST_CHANGE.at(at_ms / 1000, *stream), now)
            if report.ends:
                cause = errcode_of(report.said.errcode or 0).cause
                self._add((catalogue.WATCHED_INTERRUPTIONS.add(*stream, cause),), now)
        if push is None:
            self._pushes.join(stream, at_ms, ends=report.ends)
        if report.ends:
            began_at_ms = at_ms - (report.said.duration_ms or 0)
            push = push or Life(stream, source, report.origin, began_at_ms, now)
            push.ended_at_ms, push.ended_by = at_ms, By.INTERRUPTION
            push.errcode, push.heard_at = report.said.errcode, now
            push.said = merged(push.said, report.said)
            self._pushes[report.push] = push
            return Outcome.ACCEPTED
        *labels, _ = self._labels(catalogue.ACTIVE_STREAMS, source, (report.origin,))
        if push is None and report.interruption in self._seen:
            return Outcome.LATE
        life = Life(stream, tuple(labels), report.origin, at_ms, now, By.PUSH)
        if push:
            life.ended_at_ms, life.ended_by = push.ended_at_ms, push.ended_by
            life.errcode = push.errcode
            life.said = push.said
        life.said = merged(life.said, report.said)
        self._pushes[report.push] = life
        return Outcome.LATE if push else Outcome.ACCEPTED

    def _is_watched(self, stream: Stream, source: Source) -> bool:
        patterns = self._limits.watched_streams
        if not watching.is_matched(patterns, stream):
            return False
        if stream not in (*patterns, *self._watched):
            if source in NAMELESS or not watching.room_of(self._limits, len(self._watched)):
                return False
            self._watched.append(stream)
        return True

    def _open(self, online: Online, now: float) -> bool:
        stream, began_at_ms = online
        if self._pushes.newest_open(stream):
            return False
        named = source_of(*stream[:2])
        if self._is_watched(stream, named):
            self._add(catalogue.WATCHED_LAST_CHANGE.at(began_at_ms / 1000, *stream), now)
        source = self._source(named)
        *labels, _ = self._labels(catalogue.ACTIVE_STREAMS, source, (UNKNOWN,))
        life = Life(stream, tuple(labels), UNKNOWN, began_at_ms, now, By.RECONCILED)
        self._pushes[online.identity] = life
        return True

    def _close(self, push: Life, by: By, at_ms: int, now: float) -> None:
        self._add((catalogue.EXPIRED_PUSHES.add(by.value),), now, push.labels)
        if push.stream in (*self._limits.watched_streams, *self._watched):
            self._add(catalogue.WATCHED_LAST_CHANGE.at(now, *push.stream), now)
        push.ended_at_ms, push.ended_by = at_ms, by

    def _source(self, source: Source) -> Source:
        """Return the labels of a source, admitting a new one while there is room."""
        if source in NAMELESS or source in self._sources:
            return source
        if len(self._sources) < self._limits.max_sources:
            self._sources.add(source)
            return source
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
        limits, pushes = self._limits, self._pushes
        seen_since = now - limits.dedupe_seconds
        if min(self._seen.values(), default=now) < seen_since:
            self._seen = {one: at for one, at in self._seen.items() if at >= seen_since}
        for _, identity in pushes.ended(now - limits.push_history_days * 86400):
            self._prune(identity, now)
        if limits.push_idle_seconds:
            heard_since = now - limits.silence_ms / 1000
            for push in [push for _, push in pushes.open() if push.heard_at < heard_since]:
                self._close(push, By.IDLE, int(push.heard_at * 1000), now)
        ended = pushes.ended() if len(pushes) > limits.push_history_rows else ()
        for _, identity in nsmallest(len(ended) - limits.push_history_rows, ended):
            self._prune(identity, now)

    def _prune(self, identity: bytes, now: float) -> None:
        push = self._pushes.pop(identity)
        until_ms = min(max(push.began_at_ms, push.ended_at_ms or 0), ceil(now * 1000))
        self._pruned_ms = max(self._pruned_ms, until_ms)
