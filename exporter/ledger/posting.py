"""What a transaction changes, decided from what the store already knows.

Pure: a store answers ``questions`` (two or three look-ups for all postings together), ``plan``
decides, the store writes the plan.  So a commit costs the same few statements however
many callbacks share it, and every store decides alike.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from exporter.ledger.facts import (
    CellKey,
    Facts,
    OpenPush,
    Plan,
    Questions,
    Series,
    Source,
    Stream,
    milliseconds,
)
from exporter.ledger.interface import Limits, Outcome, Posting, Receipt
from exporter.metrics import catalogue
from exporter.metrics.entries import NAMELESS, Entry
from exporter.metrics.families import Increment
from exporter.protocol.vocabulary import OTHER, UNKNOWN

_NOBODY: Source = (UNKNOWN, UNKNOWN)


def questions(postings: Sequence[Posting]) -> Questions:
    """Return what must be known to post."""
    identities: set[bytes] = set()
    pushes: set[bytes] = set()
    streams: set[Stream] = set()
    sources: set[Source] = set()
    series: set[Series] = set()
    for entry, _ in postings:
        identities.add(entry.identity)
        if entry.stream:
            streams.add(entry.stream)
        if entry.opens:
            identities.add(entry.opens.interruption)
            pushes.add(entry.identity)
        if entry.closes:
            pushes.add(entry.closes)
        source = entry.source
        if source and source not in NAMELESS:
            sources.add(source)
            for name, own, _, _ in entry.increments:
                series.add((name, source, own))
            if entry.opens:
                series.add((catalogue.ACTIVE_STREAMS.name, source, (entry.opens.origin,)))
    return Questions(identities, pushes, streams, sources, series)


def questions_of_expiry(pushes: Iterable[OpenPush]) -> set[Series]:
    """Return the series in which the closing of idle pushes is counted."""
    (expired,) = _EXPIRED
    return {
        (expired.family, push.source, expired.labels)
        for push in pushes
        if push.source not in NAMELESS
    }


def plan(
    postings: Sequence[Posting],
    tallies: Iterable[Increment],
    facts: Facts,
    limits: Limits,
    now: float,
) -> Plan:
    """Return what posting in this order changes; ``now`` is that of the tallies."""
    work = _Work(facts, limits)
    receipts = [_RECEIPTS[work.post(entry, received_at)] for entry, received_at in postings]
    work.count(tallies, now)
    return work.plan(receipts, now)


def plan_expiry(idle: Iterable[bytes], facts: Facts, limits: Limits, now: float) -> Plan:
    """Return what closing idle pushes changes."""
    work = _Work(facts, limits)
    for identity in idle:
        push = work.close(identity)
        if push:
            work.count(_EXPIRED, now, push.source)
    return work.plan((), now)


_RECEIPTS: Final = {outcome: Receipt(outcome) for outcome in Outcome}
_EXPIRED: Final = (catalogue.EXPIRED_PUSHES.add("idle"),)


class _Work:
    """The ledger as it becomes while a plan is made: the facts, and what changes them."""

    def __init__(self, facts: Facts, limits: Limits) -> None:
        self._facts = facts
        self._limits = limits
        self._identities: dict[bytes, float] = {}
        self._open = dict(facts.pushes)
        self._opened: dict[bytes, OpenPush] = {}
        self._closed: set[bytes] = set()
        self._heard: dict[bytes, int] = {}
        self._sources: set[Source] = set()
        self._series: set[Series] = set()
        self._added: dict[CellKey, tuple[int, float]] = {}
        self._latest: dict[CellKey, tuple[int, float]] = {}
        self._streams: dict[Stream, set[bytes]] = defaultdict(set)
        for identity, push in facts.pushes.items():
            self._streams[push.stream].add(identity)
        self._before = {stream: self._newest_labels(stream) for stream in self._streams}

    def post(self, entry: Entry, received_at: float) -> Outcome:
        now = self._facts.clock or received_at
        if self._has_seen(entry.identity) or (entry.opens and entry.identity in self._open):
            self.count(entry.counts_again(), now)
            outcome = Outcome.DUPLICATE
        else:
            outcome = self._take(entry, received_at, now)
        # New pushes and interruptions speak of themselves, not of other pushes of their stream.
        others = not entry.closes and (outcome is Outcome.DUPLICATE or not entry.opens)
        if others and entry.stream in self._streams:
            self._hear(entry.stream, now)
        return outcome

    def _take(self, entry: Entry, received_at: float, now: float) -> Outcome:
        identity = entry.identity
        self._identities[identity] = now
        source = self._admitted(entry, now)
        self.count(entry.counts_at(received_at), now, source)
        if entry.closes:
            self.close(entry.closes)
        if entry.opens and entry.stream:
            # It may be counted as active only when another push ends: its series has its place.
            active, origin = catalogue.ACTIVE_STREAMS.name, entry.opens.origin
            labels = source
            if (active, (*source, origin), "") not in self._added:
                labels = self._labels_of(active, source, (origin,))
                self._added.setdefault((active, (*labels, origin), ""), (0, now))
            if self._has_seen(entry.opens.interruption):
                return Outcome.LATE
            now_ms = milliseconds(now)
            began_at_ms = now_ms if entry.occurred_at_ms is None else entry.occurred_at_ms
            push = OpenPush(entry.stream, labels, origin, began_at_ms, now_ms)
            self._open[identity] = self._opened[identity] = push
            self._streams[entry.stream].add(identity)
        return Outcome.ACCEPTED

    def count(self, increments: Iterable[Increment], now: float, source: Source = _NOBODY) -> None:
        """Add increments, of a source where their family is labelled so."""
        for name, own, cell, amount in increments:
            family = catalogue.BY_NAME[name]
            numbers = self._latest if family.latest else self._added
            key = (name, (*source, *own) if family.sourced else own, cell)
            known = numbers.get(key)
            if known is None and family.sourced:  # else its series has its place
                key = (name, (*self._labels_of(name, source, own), *own), cell)
                known = numbers.get(key)
            value, created_at = known or (amount if family.latest else 0, now)
            value = max(value, amount) if family.latest else value + amount
            numbers[key] = value, created_at

    def close(self, identity: bytes) -> OpenPush | None:
        """Close a push if it is open, and return it."""
        push = self._open.pop(identity, None)
        if push:
            self._streams[push.stream].remove(identity)
            if self._opened.pop(identity, None) is None:
                self._closed.add(identity)
                self._heard.pop(identity, None)
        return push

    def plan(self, receipts: Sequence[Receipt], now: float) -> Plan:
        """Return the plan, the gauges of what is open and admitted included."""
        for stream in self._streams:
            before, after = self._before.get(stream), self._newest_labels(stream)
            if before == after:
                continue
            for newest, amount in ((before, -1), (after, 1)):
                if newest:
                    key = (catalogue.ACTIVE_STREAMS.name, newest, "")
                    value, created_at = self._added.get(key, (0, now))
                    self._added[key] = (value + amount, created_at)
        changes = (
            (catalogue.OPEN_PUSHES, len(self._open) - len(self._facts.pushes)),
            (catalogue.SOURCES, len(self._sources)),
            (catalogue.SERIES, len(self._series)),
        )
        self.count((gauge.add(amount=change) for gauge, change in changes if change), now)
        return Plan(
            receipts,
            self._identities,
            self._opened,
            self._closed,
            self._heard,
            self._sources,
            self._series,
            self._added,
            self._latest,
        )

    def _has_seen(self, identity: bytes) -> bool:
        return identity in self._facts.seen or identity in self._identities

    def _newest(self, stream: Stream) -> bytes | None:
        """Return the newest open push of a stream."""
        return max(
            self._streams.get(stream, ()),
            key=lambda identity: (self._open[identity].began_at_ms, identity),
            default=None,
        )

    def _newest_labels(self, stream: Stream) -> tuple[str, ...] | None:
        """Return the labels under which a stream is active."""
        newest = self._newest(stream)
        return (*self._open[newest].source, self._open[newest].origin) if newest else None

    def _hear(self, stream: Stream, now: float) -> None:
        """Note that the newest push of a stream lives: what is said of a stream is of that one."""
        newest = self._newest(stream) if self._limits.push_idle_seconds else None
        if newest is None:
            return
        now_ms = milliseconds(now)
        if abs(now_ms - self._open[newest].heard_at_ms) > self._limits.hearing_seconds * 1000:
            self._heard[newest] = now_ms

    def _admitted(self, entry: Entry, now: float) -> Source:
        """Return the source labels of an entry, admitting a new source while there is room."""
        source = entry.source or _NOBODY
        if source in NAMELESS or source in self._facts.sources or source in self._sources:
            return source
        if len(self._sources) >= self._facts.source_room:
            self.count((catalogue.OVERFLOWED_SOURCES.add(),), now)
            return OTHER, OTHER
        self._sources.add(source)
        return source

    def _labels_of(self, family: str, source: Source, own: tuple[str, ...]) -> Source:
        """Return the source labels of a series, admitting a new one while there is room."""
        series = (family, source, own)
        if series in self._facts.series or series in self._series or source in NAMELESS:
            return source
        if len(self._series) >= self._facts.series_room:
            return OTHER, OTHER
        self._series.add(series)
        return source
