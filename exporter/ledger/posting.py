"""What a transaction changes, decided from what the store already knows.

Pure: a store answers ``questions`` (two or three look-ups for all postings together), ``plan``
decides, the store writes the plan.  So a commit costs the same few statements however
many callbacks share it, and every store decides alike.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from exporter.ledger.interface import Limits, Outcome, Posting, Receipt
from exporter.metrics import catalogue
from exporter.metrics.entries import NAMELESS, Entry
from exporter.metrics.families import Increment
from exporter.protocol.vocabulary import OTHER, UNKNOWN

Source = tuple[str, str]
Stream = tuple[str, str, str]
CellKey = tuple[str, tuple[str, ...], str]
"""Family, all labels, cell."""

Numbers = Mapping[CellKey, tuple[int, float]]
"""By cell: what to add or compare, and the Unix time at which the series begins if it is new."""

NEWEST_PUSHES: Final = 16
"""How many open pushes of one stream are looked at, at least: a stream may have thousands."""

_NOBODY: Source = (UNKNOWN, UNKNOWN)


class OpenPush(NamedTuple):
    """A push that is open: its labels, where and when it began, when its stream was heard of."""

    stream: Stream
    source: Source
    origin: str
    began_at: float
    heard_at: float


@dataclass(frozen=True, slots=True)
class Questions:
    """What a store must look up before it can post."""

    identities: AbstractSet[bytes]
    pushes: AbstractSet[bytes]
    streams: AbstractSet[Stream]
    sources: AbstractSet[Source]


@dataclass(frozen=True, slots=True)
class Facts:
    """A store's answers.

    ``seen``: which identities are remembered.  ``pushes``: the open pushes asked for, and the
    newest of every stream concerned: so many that one remains whichever of them close.
    ``sources``: which are admitted; ``room``: how many more may be.
    """

    seen: AbstractSet[bytes] = frozenset()
    pushes: Mapping[bytes, OpenPush] = field(default_factory=dict)
    sources: AbstractSet[Source] = frozenset()
    room: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What to write, in one transaction with the facts it was made from.

    ``sources`` are those to admit.  Numbers ``added`` are added to what is stored; of those
    ``latest`` the larger one stays.
    """

    receipts: Sequence[Receipt]
    identities: Mapping[bytes, float]
    opened: Mapping[bytes, OpenPush]
    closed: AbstractSet[bytes]
    heard: Mapping[bytes, float]
    sources: AbstractSet[Source]
    added: Numbers
    latest: Numbers


def questions(postings: Sequence[Posting]) -> Questions:
    """Return what must be known to post."""
    identities: set[bytes] = set()
    pushes: set[bytes] = set()
    streams: set[Stream] = set()
    sources: set[Source] = set()
    for entry, _ in postings:
        identities.add(entry.identity)
        if entry.stream:
            streams.add(entry.stream)
        if entry.opens:
            identities.add(entry.opens.interruption)
            pushes.add(entry.identity)
        if entry.closes:
            pushes.add(entry.closes)
        if entry.source and entry.source not in NAMELESS:
            sources.add(entry.source)
    return Questions(identities, pushes, streams, sources)


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
            work.count((catalogue.EXPIRED_PUSHES.add("idle"),), now, push.source)
    return work.plan((), now)


_RECEIPTS: Final = {outcome: Receipt(outcome) for outcome in Outcome}


class _Work:
    """The ledger as it becomes while a plan is made: the facts, and what changes them."""

    def __init__(self, facts: Facts, limits: Limits) -> None:
        self._facts = facts
        self._limits = limits
        self._identities: dict[bytes, float] = {}
        self._open = dict(facts.pushes)
        self._opened: dict[bytes, OpenPush] = {}
        self._closed: set[bytes] = set()
        self._heard: dict[bytes, float] = {}
        self._sources: set[Source] = set()
        self._added: dict[CellKey, tuple[int, float]] = {}
        self._latest: dict[CellKey, tuple[int, float]] = {}
        self._streams: dict[Stream, set[bytes]] = defaultdict(set)
        for identity, push in facts.pushes.items():
            self._streams[push.stream].add(identity)
        self._before = {stream: self._newest(stream) for stream in self._streams}

    def post(self, entry: Entry, now: float) -> Outcome:
        identity = entry.identity
        if entry.stream in self._streams and self._limits.push_idle_seconds:
            self._hear(entry.stream, now)
        if self._has_seen(identity) or (entry.opens and identity in self._open):
            self.count(entry.counts_again(), now)
            return Outcome.DUPLICATE
        self._identities[identity] = now
        source = self._admitted(entry, now)
        self.count(entry.counts_at(now), now, source)
        if entry.closes:
            self.close(entry.closes)
        if entry.opens and entry.stream:
            if self._has_seen(entry.opens.interruption):
                return Outcome.LATE
            began_at = now if entry.occurred_at is None else entry.occurred_at
            push = OpenPush(entry.stream, source, entry.opens.origin, began_at, now)
            self._open[identity] = self._opened[identity] = push
            self._streams[entry.stream].add(identity)
        return Outcome.ACCEPTED

    def count(self, increments: Iterable[Increment], now: float, source: Source = _NOBODY) -> None:
        """Add increments, of a source where their family is labelled so."""
        for name, own, cell, amount in increments:
            family = catalogue.BY_NAME[name]
            key = (name, (*source, *own) if family.sourced else own, cell)
            if family.latest:
                value, created_at = self._latest.get(key, (amount, now))
                self._latest[key] = (max(value, amount), created_at)
            else:
                value, created_at = self._added.get(key, (0, now))
                self._added[key] = (value + amount, created_at)

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
        """Return the plan, the gauges of what is open included."""
        for stream in self._streams:
            before, after = self._before.get(stream), self._newest(stream)
            if before == after:
                continue
            for newest, amount in ((before, -1), (after, 1)):
                if newest:
                    source, origin = newest
                    counted = catalogue.ACTIVE_STREAMS.add(origin, amount=amount)
                    self.count((counted,), now, source)
        change = len(self._open) - len(self._facts.pushes)
        if change:
            self.count((catalogue.OPEN_PUSHES.add(amount=change),), now)
        return Plan(
            receipts,
            self._identities,
            self._opened,
            self._closed,
            self._heard,
            self._sources,
            self._added,
            self._latest,
        )

    def _has_seen(self, identity: bytes) -> bool:
        return identity in self._facts.seen or identity in self._identities

    def _newest(self, stream: Stream) -> tuple[Source, str] | None:
        """Return source and origin of a stream's newest open push."""
        newest = max(
            self._streams[stream],
            key=lambda identity: (self._open[identity].began_at, identity),
            default=None,
        )
        return (self._open[newest].source, self._open[newest].origin) if newest else None

    def _hear(self, stream: Stream, now: float) -> None:
        known = now - self._limits.hearing_seconds
        for identity in self._streams[stream]:
            if self._open[identity].heard_at < known:
                self._heard[identity] = now

    def _admitted(self, entry: Entry, now: float) -> Source:
        """Return the source labels of an entry, admitting a new source while there is room."""
        source = entry.source or _NOBODY
        if source in NAMELESS or source in self._facts.sources or source in self._sources:
            return source
        if len(self._sources) >= self._facts.room:
            self.count((catalogue.OVERFLOWED_SOURCES.add(),), now)
            return OTHER, OTHER
        self._sources.add(source)
        self.count((catalogue.SOURCES.add(),), now)
        return source
