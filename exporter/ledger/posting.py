"""What a transaction changes, decided from what the store already knows.

Pure: a store answers ``questions`` (two or three look-ups for all postings together), ``plan``
decides, the store writes the plan.  So a commit costs the same few statements however
many callbacks share it, and every store decides alike.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from exporter.ledger.facts import CellKey, Facts, Plan, PushRow, Questions, Series, milliseconds
from exporter.ledger.history import By
from exporter.ledger.interface import Outcome, Posting, Receipt
from exporter.ledger.limits import Limits
from exporter.ledger.numbers import Number
from exporter.ledger.pushes import Pushes
from exporter.ledger.watching import is_matched, names_of
from exporter.metrics import catalogue
from exporter.metrics.entries import NAMELESS, Entry, Source
from exporter.metrics.families import Increment
from exporter.protocol.errcodes import errcode_of
from exporter.protocol.vocabulary import OTHER, UNKNOWN, Stream

_NOBODY: Source = (UNKNOWN, UNKNOWN)


def questions(postings: Sequence[Posting], limits: Limits) -> Questions:
    """Return what must be known to post."""
    identities: set[bytes] = set()
    pushes: set[bytes] = set()
    streams: set[Stream] = set()
    sources: set[Source] = set()
    series: set[Series] = set()
    watched: set[Stream] = set()
    for entry, _ in postings:
        identities.add(entry.identity)
        if entry.stream:
            streams.add(entry.stream)
        report = entry.report
        if report:
            identities.add(report.interruption)
            pushes.add(report.push)
        source = entry.source
        if source and source not in NAMELESS:
            sources.add(source)
            for name, own, _, _ in entry.increments:
                series.add((name, source, own))
            if report and not report.ends:
                series.add((catalogue.ACTIVE_STREAMS.name, source, (report.origin,)))
            if report and entry.stream and may_be_admitted(entry.stream, limits):
                watched.add(entry.stream)
    return Questions(identities, pushes, streams, sources, series, watched)


def questions_of_expiry(pushes: Iterable[PushRow], reason: str) -> set[Series]:
    """Return the series in which the closing of pushes without an interruption is counted."""
    expired = catalogue.EXPIRED_PUSHES.add(reason)
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
    work = Work(facts, limits)
    receipts = [_RECEIPTS[work.post(entry, received_at)] for entry, received_at in postings]
    work.count(tallies, now)
    return work.plan(receipts, now)


def plan_expiry(
    closing: Mapping[bytes, int], by: By, facts: Facts, limits: Limits, now: float
) -> Plan:
    """Return what closing pushes without their interruptions changes.

    ``closing`` has the Unix milliseconds at which each ended, by its identity.
    """
    work = Work(facts, limits)
    for identity, ended_at_ms in closing.items():
        work.close(identity, by, ended_at_ms, now)
    return work.plan((), now)


_RECEIPTS: Final = {outcome: Receipt(outcome) for outcome in Outcome}


def may_be_admitted(stream: Stream, limits: Limits) -> bool:
    """Return whether a stream may be watched because of a pattern."""
    patterns = limits.watched_streams
    return is_matched(patterns, stream) and stream not in names_of(limits)


class Work:
    """The ledger as it becomes while a plan is made: the facts, and what changes them."""

    def __init__(self, facts: Facts, limits: Limits) -> None:
        self._facts = facts
        self._limits = limits
        self._identities: dict[bytes, float] = {}
        self._pushes = Pushes(facts.pushes)
        self._sources: set[Source] = set()
        self._series: set[Series] = set()
        self._watched: set[Stream] = set()
        self._added: dict[CellKey, Number] = {}
        self._latest: dict[CellKey, Number] = {}
        self._numbers: dict[tuple[Source, str, tuple[str, ...], str], Number] = {}
        """The same, by what increments say of them."""

    def post(self, entry: Entry, received_at: float) -> Outcome:
        """Record an entry and return what became of it."""
        now = self._facts.clock or received_at
        report, stream = entry.report, entry.stream
        if self._has_seen(entry.identity) or (report and self._pushes.know(report)):
            self.count(entry.counts_again(), now)
            outcome = Outcome.DUPLICATE
        else:
            outcome = self._take(entry, received_at, now)
        # New pushes and interruptions speak of themselves, not of other pushes of their stream.
        others = not report or (outcome is Outcome.DUPLICATE and not report.ends)
        if others and stream and self._pushes.has_open(stream) and self._limits.push_idle_seconds:
            self._pushes.hear(stream, milliseconds(now), self._limits.hearing_seconds * 1000)
        return outcome

    def _take(self, entry: Entry, received_at: float, now: float) -> Outcome:
        named = entry.source or _NOBODY
        source = self._admitted(named)
        if source != named:
            self.count((catalogue.OVERFLOWED_SOURCES.add(),), now)
        self.count(entry.counts_at(received_at), now, source)
        report, stream = entry.report, entry.stream
        if report is None or stream is None:
            self._identities[entry.identity] = now
            return Outcome.ACCEPTED
        now_ms = milliseconds(now)
        at_ms = now_ms if entry.occurred_at_ms is None else entry.occurred_at_ms
        if self._is_watched(stream, named):
            self.count(catalogue.WATCHED_LAST_CHANGE.at(at_ms / 1000, *stream), now)
            if report.ends:
                cause = errcode_of(report.said.errcode or 0).cause
                self.count((catalogue.WATCHED_INTERRUPTIONS.add(*stream, cause),), now)
        if report.ends:
            self._pushes.end(report, stream, source, at_ms, now_ms)
            return Outcome.ACCEPTED
        labels = self._active_labels(source, report.origin, now)
        if self._has_seen(report.interruption):  # its row is gone already
            self._identities[entry.identity] = now
            return Outcome.LATE
        is_late = self._pushes.has_ended(report.push)
        self._pushes.begin(report, stream, labels, at_ms, now_ms)
        return Outcome.LATE if is_late else Outcome.ACCEPTED

    def _active_labels(self, source: Source, origin: str, now: float) -> Source:
        """Return the labels under which a push is active, and admit their series.

        Even if it is counted as active only later, when another push ends, its series is admitted.
        """
        active = catalogue.ACTIVE_STREAMS.name
        if (active, (*source, origin), "") in self._added:
            return source
        labels = self._labels_of(active, source, (origin,))
        self._added.setdefault((active, (*labels, origin), ""), Number(0, now))
        return labels

    def _is_watched(self, stream: Stream, source: Source) -> bool:
        """Return whether a stream is watched, admitting it if a pattern says so and there is room.

        A stream of an unsigned packet is not admitted.
        """
        if not self._limits.watched_streams:
            return False
        if stream in names_of(self._limits):
            return True
        if stream in self._facts.watched or stream in self._watched:
            return True
        if source in NAMELESS or not is_matched(self._limits.watched_streams, stream):
            return False
        if len(self._watched) >= self._facts.watched_room:
            return False
        self._watched.add(stream)
        return True

    def count(self, increments: Iterable[Increment], now: float, source: Source = _NOBODY) -> None:
        """Add increments, of a source where their family is labelled so."""
        for increment in increments:
            name, own, cell, amount = increment
            number = self._numbers.get((source, name, own, cell))
            if number is None:
                number = self._number(increment, now, source)
            if not number.is_latest:
                number.value += amount
            elif amount > number.value:
                number.value = amount

    def _number(self, increment: Increment, now: float, source: Source) -> Number:
        """Return the number of a cell, perhaps a new one, and find it faster next time."""
        name, own, cell, amount = increment
        family = catalogue.BY_NAME[name]
        numbers = self._latest if family.latest else self._added
        key = (name, (*source, *own) if family.sourced else own, cell)
        if key not in numbers and family.sourced:  # else its series has its place
            key = (name, (*self._labels_of(name, source, own), *own), cell)
        number = numbers.get(key)
        if number is None:
            number = Number(amount if family.latest else 0, now, is_latest=family.latest)
            numbers[key] = number
        self._numbers[source, name, own, cell] = number
        return number

    def open(self, identity: bytes, push: PushRow, now: float) -> bool:
        """Open a push of which no event came, unless its stream has an open one.

        Its stream's names are its source, as no packet has said another.
        """
        if self._pushes.is_active(push.stream):
            return False
        if self._is_watched(push.stream, push.source):
            at = push.began_at_ms / 1000
            self.count(catalogue.WATCHED_LAST_CHANGE.at(at, *push.stream), now)
        labels = self._active_labels(self._admitted(push.source), push.origin, now)
        self._pushes.open(identity, push._replace(source=labels))
        return True

    def close(self, identity: bytes, by: By, at_ms: int, now: float) -> None:
        """Close a push without its interruption, if it is open."""
        push = self._pushes.close(identity, by, at_ms)
        if push:
            self.count((catalogue.EXPIRED_PUSHES.add(by.value),), now, push.source)
            if push.stream in names_of(self._limits) or push.stream in self._facts.watched:
                self.count(catalogue.WATCHED_LAST_CHANGE.at(now, *push.stream), now)

    def plan(self, receipts: Sequence[Receipt], now: float) -> Plan:
        """Return the plan, the gauges of what is open and admitted included."""
        for labels, change in self._pushes.moves():
            key = (catalogue.ACTIVE_STREAMS.name, labels, "")
            self._added.setdefault(key, Number(0, now)).value += change
        changes = (
            (catalogue.OPEN_PUSHES, self._pushes.opened),
            (catalogue.SOURCES, len(self._sources)),
            (catalogue.SERIES, len(self._series)),
        )
        self.count((gauge.add(amount=change) for gauge, change in changes if change), now)
        return Plan(
            receipts,
            self._identities,
            self._pushes.changed,
            self._pushes.joined,
            self._pushes.heard,
            self._watched,
            self._sources,
            self._series,
            {key: (one.value, one.created_at) for key, one in self._added.items()},
            {key: (one.value, one.created_at) for key, one in self._latest.items()},
        )

    def _has_seen(self, identity: bytes) -> bool:
        return identity in self._facts.seen or identity in self._identities

    def _admitted(self, source: Source) -> Source:
        """Return the labels of a source, admitting a new one while there is room."""
        if source in NAMELESS or source in self._facts.sources or source in self._sources:
            return source
        if len(self._sources) >= self._facts.source_room:
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
