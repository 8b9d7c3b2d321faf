"""The shortest correct ledger: nothing is durable, nothing is shared.

The oracle that the tests hold the others against.
"""

import threading
import time
from collections import Counter
from collections.abc import Collection, Container, Iterable, Sequence
from dataclasses import dataclass, field
from math import ceil

from exporter.ledger import dropped, history, watching
from exporter.ledger.deliveries import Newest, newest_first
from exporter.ledger.facts import Stream, merged
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
from exporter.metrics.entries import NAMELESS, Entry, Said
from exporter.metrics.families import Family, Increment
from exporter.protocol.errcodes import INTENDED, errcode_of
from exporter.protocol.vocabulary import OTHER, UNKNOWN


@dataclass
class _Life:
    """What is known of a push: it is open while ``ended_at_ms`` is None."""

    stream: Stream
    labels: tuple[str, ...]
    origin: str
    began_at_ms: int
    heard_at: float
    begun: bool = False
    ended_at_ms: int | None = None
    errcode: int | None = None
    """That of its interruption; None while that is not known."""
    said: Said = field(default_factory=Said)

    def known(self, identity: bytes) -> history.KnownPush:
        """Return what is known of it."""
        begun_by = "push" if self.begun else None
        ended_by = None if self.ended_at_ms is None else "idle"
        ended_by = ended_by if self.errcode is None else "interruption"
        began_at_ms, ended_at_ms, told = self.began_at_ms, self.ended_at_ms, self.said.interruption
        return history.KnownPush(
            identity, self.stream, self.origin, began_at_ms, begun_by, ended_at_ms, ended_by, told
        )


class MemoryLedger:
    """A ``Ledger`` of dicts behind one lock."""

    failure: str | None = None

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._seen: dict[bytes, float] = {}
        self._sources: set[tuple[str, str]] = set()
        self._series: set[tuple[str, tuple[str, ...]]] = set()
        self._pushes: dict[bytes, _Life] = {}
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
            if speaks_of_others and (newest := self._newest_open(entry.stream)):
                self._pushes[newest].heard_at = max(self._pushes[newest].heard_at, now)
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
            open_pushes = [one for one in self._pushes.values() if one.ended_at_ms is None]
            streams = {one.stream for one in open_pushes}
            active: Counter[tuple[str, ...]] = Counter()
            for stream in streams:
                newest = self._pushes[self._newest_open(stream) or b""]
                active[*newest.labels, newest.origin] += 1
            gauges = {
                (catalogue.ACTIVE_STREAMS, labels): number for labels, number in active.items()
            }
            for labels, number in self._dropped(streams).items():
                gauges[catalogue.DROPPED_STREAMS, labels] = number
            gauges[catalogue.OPEN_PUSHES, ()] = len(open_pushes)
            gauges[catalogue.SOURCES, ()] = len(self._sources)
            gauges[catalogue.SERIES, ()] = len(self._series)
            cells = [Cell(*key, *number) for key, number in self._cells.items()]
            cells += [Cell(key.name, own, "", one, 0.0) for (key, own), one in gauges.items()]
            cells = watching.cells_of(cells, watching.shown(self._limits, self._watched), streams)
            oldest = min((one.began_at_ms for one in open_pushes), default=None)
            return with_limits(
                Snapshot(cells, None if oldest is None else oldest / 1000), self._limits
            )

    def streams(self, query: history.StreamQuery) -> history.StreamPage:
        """Return a page of streams; see ``Ledger``."""
        with self._lock:
            return history.select(
                self._kept(), query, dropped.window_ms(self._limits, time.time())
            )

    def pushes_of(self, stream: Stream, most: int) -> history.StreamHistory:
        """Return the newest pushes of a stream; see ``Ledger``."""
        with self._lock:
            own = [one for one in self._kept() if one.stream == stream]
            own.sort(key=lambda one: (one.is_open, one.began_at_ms, one.identity), reverse=True)
            return history.history_of(own[:most], dropped.window_ms(self._limits, time.time()))

    def known_pushes(self, streams: Collection[Stream]) -> history.Known:
        """Return all pushes kept of some streams; see ``Ledger``."""
        with self._lock:
            own = [(one, push) for one, push in self._pushes.items() if push.stream in streams]
            return history.Known([push.known(one) for one, push in own], self._pruned_ms)

    def check(self) -> None:
        """Do nothing: memory can always commit."""

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""

    def _kept(self) -> list[history.KeptPush]:
        return [
            history.KeptPush(
                identity,
                push.stream,
                push.origin,
                push.began_at_ms,
                push.ended_at_ms,
                *(getattr(push.said, name) for name in history.KeptPush._fields[5:]),
            )
            for identity, push in self._pushes.items()
        ]

    def _take(self, entry: Entry, now: float) -> Outcome:
        report, stream = entry.report, entry.stream
        push = self._pushes.get(report.push) if report else None
        known = push and report and (push.errcode is not None if report.ends else push.begun)
        if entry.identity in self._seen or known:
            self._add(entry.counts_again(), now)
            return Outcome.DUPLICATE
        self._seen[entry.identity] = now
        source = self._source(entry, now)
        self._add(entry.counts_at(now), now, source)
        if report is None or stream is None:
            return Outcome.ACCEPTED
        at_ms = int(now * 1000) if entry.occurred_at_ms is None else entry.occurred_at_ms
        self._watch(entry, at_ms, now)
        if report.ends:
            began_at_ms = at_ms - (report.said.duration_ms or 0)
            push = push or _Life(stream, source, report.origin, began_at_ms, now)
            push.ended_at_ms, push.errcode, push.heard_at = at_ms, report.said.errcode, now
            push.said = merged(push.said, report.said)
            self._pushes[report.push] = push
            return Outcome.ACCEPTED
        *labels, _ = self._labels(catalogue.ACTIVE_STREAMS, source, (report.origin,))
        if push is None and report.interruption in self._seen:
            return Outcome.LATE
        life = _Life(stream, tuple(labels), report.origin, at_ms, now, begun=True)
        if push:
            life.ended_at_ms, life.errcode = push.ended_at_ms, push.errcode
            life.said = push.said
        life.said = merged(life.said, report.said)
        self._pushes[report.push] = life
        return Outcome.LATE if push else Outcome.ACCEPTED

    def _watch(self, entry: Entry, at_ms: int, now: float) -> None:
        patterns, stream, report = self._limits.watched_streams, entry.stream, entry.report
        if stream is None or report is None or not watching.is_matched(patterns, stream):
            return
        if stream not in (*patterns, *self._watched):
            if entry.source in NAMELESS or not watching.room_of(self._limits, len(self._watched)):
                return
            self._watched.append(stream)
        self._add(catalogue.WATCHED_LAST_CHANGE.at(at_ms / 1000, *stream), now)
        if report.ends:
            cause = errcode_of(report.said.errcode or 0).cause
            self._add((catalogue.WATCHED_INTERRUPTIONS.add(*stream, cause),), now)

    def _newest_open(self, stream: Stream | None) -> bytes | None:
        own = [
            (push.began_at_ms, identity)
            for identity, push in self._pushes.items()
            if push.stream == stream and push.ended_at_ms is None
        ]
        return max(own)[1] if own else None

    def _dropped(self, active: Container[Stream]) -> Counter[tuple[str, ...]]:
        newest: dict[Stream, tuple[int, bytes]] = {}
        for identity, push in self._pushes.items():
            place = (push.began_at_ms, identity)
            newest[push.stream] = max(newest.get(push.stream, place), place)
        since, until = dropped.window_ms(self._limits, time.time())
        found: Counter[tuple[str, ...]] = Counter()
        for stream, (_, identity) in newest.items():
            push = self._pushes[identity]
            if stream in active or push.errcode is None or push.ended_at_ms is None:
                continue
            intended = errcode_of(push.errcode).cause in INTENDED
            if not intended and since <= push.ended_at_ms <= until:
                found[*push.labels, push.origin] += 1
        return found

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
        for identity, push in list(self._pushes.items()):
            if push.ended_at_ms is not None:
                if push.ended_at_ms / 1000 < now - limits.push_history_days * 86400:
                    self._prune(identity, now)
            elif limits.push_idle_seconds and push.heard_at < now - limits.silence_ms / 1000:
                self._add((catalogue.EXPIRED_PUSHES.add("idle"),), now, push.labels)
                push.ended_at_ms = int(push.heard_at * 1000)
        ended = [one for one, push in self._pushes.items() if push.ended_at_ms is not None]
        ended.sort(key=lambda one: self._pushes[one].ended_at_ms or 0)
        for identity in ended[: max(0, len(ended) - limits.push_history_rows)]:
            self._prune(identity, now)

    def _prune(self, identity: bytes, now: float) -> None:
        push = self._pushes.pop(identity)
        until_ms = min(max(push.began_at_ms, push.ended_at_ms or 0), ceil(now * 1000))
        self._pruned_ms = max(self._pruned_ms, until_ms)
