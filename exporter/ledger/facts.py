"""What a store and ``posting`` exchange: questions, facts and plans.  Pure."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from exporter.ledger.interface import Receipt
from exporter.metrics.entries import Said, Source
from exporter.protocol.vocabulary import Stream

Series = tuple[str, Source, tuple[str, ...]]
"""Family, source labels, its own labels: a series of a source that has labels of its own."""

CellKey = tuple[str, tuple[str, ...], str]
"""Family, all labels, cell."""

Numbers = Mapping[CellKey, tuple[int, float]]
"""By cell: what to add or compare, and the Unix time at which the series begins if it is new."""

NEWEST_PUSHES: Final = 16
"""How many open pushes of one stream are looked at, at least: a stream may have thousands."""


class PushRow(NamedTuple):
    """The life of a push, one row: it is open while it has no ``ended_at_ms``.

    ``source`` are the labels under which it is active.  ``began_at_ms`` is its push event's
    time, or about that time while only its interruption is known: then ``begun_by`` is None.
    ``heard_at_ms``: when it was last known to live, or changed, by our own clock.  Times are whole
    Unix milliseconds, since the newest push must be the same one for everybody.

    ``said`` is empty in facts: a store merges what is new into what it has (``merged``).
    """

    stream: Stream
    source: Source
    origin: str
    began_at_ms: int
    heard_at_ms: int
    begun_by: str | None
    ended_at_ms: int | None = None
    ended_by: str | None = None
    said: Said = Said()

    @property
    def is_open(self) -> bool:
        """Return whether the push has not ended."""
        return self.ended_at_ms is None


def merged(before: Said, now: Said) -> Said:
    """Return what is said of a push by several packets, in whatever order they came.

    What the interruption alone says is kept; of what both say the larger value is kept.
    """
    own: list[Any] = [old if new is None else new for old, new in zip(before, now, strict=True)]
    for place in range(Said._fields.index("node"), len(own)):
        known = [one for one in (before[place], now[place]) if one is not None]
        own[place] = max(known, default=None)
    return Said(*own)


@dataclass(frozen=True, slots=True)
class Questions:
    """What a store must look up before it can post."""

    identities: AbstractSet[bytes]
    pushes: AbstractSet[bytes]
    streams: AbstractSet[Stream]
    sources: AbstractSet[Source]
    series: AbstractSet[Series]
    watched: AbstractSet[Stream]


@dataclass(frozen=True, slots=True)
class Facts:
    """A store's answers.

    ``seen``: which identities are remembered.  ``pushes``: the pushes asked for, and the newest
    open ones of every stream concerned: more than this transaction can close.
    ``sources`` and ``series``: which are admitted, and how many more may be (``room``).
    ``watched``: which of the streams asked for are watched, and the room for others.
    ``clock``: the Unix time of a store that replicas share, whose own clocks may differ.
    """

    seen: AbstractSet[bytes] = frozenset()
    pushes: Mapping[bytes, PushRow] = field(default_factory=dict)
    sources: AbstractSet[Source] = frozenset()
    source_room: int = 0
    series: AbstractSet[Series] = frozenset()
    series_room: int = 0
    watched: AbstractSet[Stream] = frozenset()
    watched_room: int = 0
    clock: float | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What to write, in one transaction with the facts it was made from.

    ``identities`` are to be remembered; those of pushes stand in their rows.  ``pushes`` are
    rows to write, ``joined`` rows to delete, since another row is the same push.  ``heard`` is
    when pushes were last heard of, in Unix milliseconds.  ``watched``, ``sources`` and ``series``
    are to be admitted.  ``added`` is added to the numbers stored; of ``latest`` and what is
    stored the larger number stays.
    """

    receipts: Sequence[Receipt]
    identities: Mapping[bytes, float]
    pushes: Mapping[bytes, PushRow]
    joined: AbstractSet[bytes]
    heard: Mapping[bytes, int]
    watched: AbstractSet[Stream]
    sources: AbstractSet[Source]
    series: AbstractSet[Series]
    added: Numbers
    latest: Numbers


def milliseconds(time: float) -> int:
    """Return a Unix time in whole milliseconds, not later than it is."""
    return int(time * 1000)
