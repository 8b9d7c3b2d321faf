"""What a transaction changes, decided from what the store already knows.

Pure: a store answers ``questions`` (two or three look-ups for all postings together), ``plan``
decides, the store writes the plan.  So a commit costs the same few statements however
many callbacks share it, and every store decides alike.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from exporter.ledger.interface import Limits, Outcome, Receipt
from exporter.metrics import catalogue
from exporter.metrics.entries import NAMELESS, Entry
from exporter.metrics.families import Increment
from exporter.protocol.vocabulary import OTHER, UNKNOWN

Source = tuple[str, str]
Stream = tuple[str, str, str]
CellKey = tuple[str, tuple[str, ...], str]
"""Family, all labels, cell."""

NEWEST_PUSHES: Final = 16
"""How many open pushes of one stream are looked at, at least: a stream may have thousands."""

_NOBODY: Source = (UNKNOWN, UNKNOWN)


class Posting(NamedTuple):
    """An entry and the Unix time of its receipt."""

    entry: Entry
    now: float


class OpenPush(NamedTuple):
    """A push that is open: its labels, where and when it began, when its stream was heard of."""

    stream: Stream
    source: Source
    origin: str
    began_at: float
    heard_at: float


@dataclass(slots=True)
class Questions:
    """What a store must look up before it can post."""

    identities: set[bytes] = field(default_factory=set)
    pushes: set[bytes] = field(default_factory=set)
    streams: set[Stream] = field(default_factory=set)
    sources: set[Source] = field(default_factory=set)


@dataclass(slots=True)
class Facts:
    """A store's answers.

    ``seen``: which identities are remembered.  ``pushes``: the open pushes asked for, and of
    every stream concerned the newest: more than were asked for, so that one is left.
    ``sources``: which are admitted; ``room``: how many more may be.
    """

    seen: set[bytes]
    pushes: dict[bytes, OpenPush]
    sources: set[Source]
    room: int


class Sums:
    """The increments of one transaction, summed so that each cell is written once."""

    def __init__(self) -> None:
        self.added: dict[CellKey, tuple[int, float]] = {}
        self.latest: dict[CellKey, tuple[int, float]] = {}

    def add(self, increments: Iterable[Increment], now: float, source: Source = _NOBODY) -> None:
        """Add increments, of a source where their family is labelled so."""
        for name, own, cell, amount in increments:
            family = catalogue.BY_NAME[name]
            key = (name, (*source, *own) if family.sourced else own, cell)
            if family.latest:
                value, created_at = self.latest.get(key, (amount, now))
                self.latest[key] = (max(value, amount), created_at)
            else:
                value, created_at = self.added.get(key, (0, now))
                self.added[key] = (value + amount, created_at)


@dataclass(slots=True)
class Plan:
    """What to write, in one transaction with the facts it was made from."""

    receipts: list[Receipt] = field(default_factory=list)
    identities: dict[bytes, float] = field(default_factory=dict)
    opened: dict[bytes, OpenPush] = field(default_factory=dict)
    closed: set[bytes] = field(default_factory=set)
    heard: dict[bytes, float] = field(default_factory=dict)
    sources: set[Source] = field(default_factory=set)
    sums: Sums = field(default_factory=Sums)


def questions(postings: Sequence[Posting]) -> Questions:
    """Return what must be known to post."""
    asked = Questions()
    for entry, _ in postings:
        asked.identities.add(entry.identity)
        if entry.stream:
            asked.streams.add(entry.stream)
        if entry.opens:
            asked.identities.add(entry.opens.interruption)
            asked.pushes.add(entry.identity)
        if entry.closes:
            asked.pushes.add(entry.closes)
        if entry.source and entry.source not in NAMELESS:
            asked.sources.add(entry.source)
    return asked


def plan(
    postings: Sequence[Posting],
    tallies: Iterable[Increment],
    facts: Facts,
    limits: Limits,
    now: float,
) -> Plan:
    """Return what posting in this order changes; ``now`` is that of the tallies."""
    work = _Work(facts, limits)
    for entry, received_at in postings:
        outcome = work.post(entry, received_at)
        work.plan.receipts.append(Receipt(outcome))
    work.plan.sums.add(tallies, now)
    work.settle(now)
    return work.plan


def plan_expiry(idle: Iterable[bytes], facts: Facts, limits: Limits, now: float) -> Plan:
    """Return what closing idle pushes changes."""
    work = _Work(facts, limits)
    for identity in idle:
        push = work.close(identity)
        if push:
            work.plan.sums.add((catalogue.EXPIRED_PUSHES.add("idle"),), now, push.source)
    work.settle(now)
    return work.plan


class _Work:
    """The state of the ledger while a plan is made."""

    def __init__(self, facts: Facts, limits: Limits) -> None:
        self.plan = Plan()
        self._facts = facts
        self._limits = limits
        self._streams: dict[Stream, set[bytes]] = defaultdict(set)
        for identity, push in facts.pushes.items():
            self._streams[push.stream].add(identity)
        self._before = {stream: self._newest(stream) for stream in self._streams}
        self._open_before = len(facts.pushes)

    def post(self, entry: Entry, now: float) -> Outcome:
        facts, sums = self._facts, self.plan.sums
        if entry.stream in self._streams and self._limits.push_idle_seconds:
            self._hear(entry.stream, now)
        if entry.identity in facts.seen or (entry.opens and entry.identity in facts.pushes):
            sums.add(entry.counts_again(), now)
            return Outcome.DUPLICATE
        facts.seen.add(entry.identity)
        self.plan.identities[entry.identity] = now
        source = self._admitted(entry, now)
        sums.add(entry.counts_at(now), now, source)
        if entry.closes:
            self.close(entry.closes)
        if entry.opens and entry.stream:
            if entry.opens.interruption in facts.seen:
                return Outcome.LATE
            began_at = now if entry.occurred_at is None else entry.occurred_at
            push = OpenPush(entry.stream, source, entry.opens.origin, began_at, now)
            facts.pushes[entry.identity] = self.plan.opened[entry.identity] = push
            self._streams[entry.stream].add(entry.identity)
        return Outcome.ACCEPTED

    def close(self, identity: bytes) -> OpenPush | None:
        """Close a push if it is open, and return it."""
        push = self._facts.pushes.pop(identity, None)
        if push:
            self._streams[push.stream].remove(identity)
            if self.plan.opened.pop(identity, None) is None:
                self.plan.closed.add(identity)
                self.plan.heard.pop(identity, None)
        return push

    def settle(self, now: float) -> None:
        """Count the active streams whose newest push changed, and the open pushes."""
        sums = self.plan.sums
        for stream in self._streams:
            before, after = self._before.get(stream), self._newest(stream)
            if before and after and before[:2] == after[:2]:
                continue
            for newest, amount in ((before, -1), (after, 1)):
                if newest:
                    source, origin = newest
                    counted = catalogue.ACTIVE_STREAMS.add(origin, amount=amount)
                    sums.add((counted,), now, source)
        change = len(self._facts.pushes) - self._open_before
        if change:
            sums.add((catalogue.OPEN_PUSHES.add(amount=change),), now)

    def _newest(self, stream: Stream) -> tuple[Source, str] | None:
        """Return source and origin of a stream's newest open push."""
        pushes = self._facts.pushes
        newest = max(
            self._streams[stream],
            key=lambda identity: (pushes[identity].began_at, identity),
            default=None,
        )
        return (pushes[newest].source, pushes[newest].origin) if newest else None

    def _hear(self, stream: Stream, now: float) -> None:
        known = now - self._limits.hearing_seconds
        for identity in self._streams[stream]:
            if self._facts.pushes[identity].heard_at < known:
                self.plan.heard[identity] = now

    def _admitted(self, entry: Entry, now: float) -> Source:
        """Return the source labels of an entry, admitting a new source while there is room."""
        facts = self._facts
        source = entry.source or _NOBODY
        if source in NAMELESS or source in facts.sources:
            return source
        if facts.room <= 0:
            self.plan.sums.add((catalogue.OVERFLOWED_SOURCES.add(),), now)
            return OTHER, OTHER
        facts.room -= 1
        facts.sources.add(source)
        self.plan.sources.add(source)
        self.plan.sums.add((catalogue.SOURCES.add(),), now)
        return source
