"""What a store and ``posting`` say to each other: questions, facts and plans.  Pure."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from exporter.ledger.interface import Receipt

Source = tuple[str, str]
Stream = tuple[str, str, str]
Series = tuple[str, Source, tuple[str, ...]]
"""Family, source labels, its own labels: a series of a source that has labels of its own."""

CellKey = tuple[str, tuple[str, ...], str]
"""Family, all labels, cell."""

Numbers = Mapping[CellKey, tuple[int, float]]
"""By cell: what to add or compare, and the Unix time at which the series begins if it is new."""

NEWEST_PUSHES: Final = 16
"""How many open pushes of one stream are looked at, at least: a stream may have thousands."""


class OpenPush(NamedTuple):
    """A push that is open: its labels, when it began, when it was last known to live.

    Times are whole Unix milliseconds, since the newest push must be the same one for everybody.
    """

    stream: Stream
    source: Source
    origin: str
    began_at_ms: int
    heard_at_ms: int


@dataclass(frozen=True, slots=True)
class Questions:
    """What a store must look up before it can post."""

    identities: AbstractSet[bytes]
    pushes: AbstractSet[bytes]
    streams: AbstractSet[Stream]
    sources: AbstractSet[Source]
    series: AbstractSet[Series]


@dataclass(frozen=True, slots=True)
class Facts:
    """A store's answers.

    ``seen``: which identities are remembered.  ``pushes``: the open pushes asked for, and the
    newest of every stream concerned: so many that one remains whichever of them close.
    ``sources`` and ``series``: which are admitted, and how many more may be (``room``).
    ``clock``: the Unix time of a store that replicas share, whose own clocks may differ.
    """

    seen: AbstractSet[bytes] = frozenset()
    pushes: Mapping[bytes, OpenPush] = field(default_factory=dict)
    sources: AbstractSet[Source] = frozenset()
    source_room: int = 0
    series: AbstractSet[Series] = frozenset()
    series_room: int = 0
    clock: float | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What to write, in one transaction with the facts it was made from.

    ``heard`` has Unix milliseconds.  ``sources`` and ``series`` are those to admit.  Numbers
    ``added`` are added to what is stored; of those ``latest`` the larger one stays.
    """

    receipts: Sequence[Receipt]
    identities: Mapping[bytes, float]
    opened: Mapping[bytes, OpenPush]
    closed: AbstractSet[bytes]
    heard: Mapping[bytes, int]
    sources: AbstractSet[Source]
    series: AbstractSet[Series]
    added: Numbers
    latest: Numbers


def milliseconds(time: float) -> int:
    """Return a Unix time in whole milliseconds, not later than it is."""
    return int(time * 1000)
