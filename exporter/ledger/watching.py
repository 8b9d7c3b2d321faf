"""Which streams are watched: those that the operator named, and those that a pattern matches.

Pure.  In a pattern ``*`` stands for any text.  A name without ``*`` is always watched; streams
that a pattern matches are remembered in the order in which they came, while there is room.
"""

import re
from collections.abc import Container, Iterable, Sequence
from functools import lru_cache
from typing import Final

from exporter.ledger.interface import Cell
from exporter.ledger.limits import Limits
from exporter.metrics import catalogue
from exporter.protocol.errcodes import CAUSES
from exporter.protocol.vocabulary import Stream

ANY: Final = "*"


def is_name(pattern: Stream) -> bool:
    """Return whether a pattern is one stream's name."""
    return not any(ANY in part for part in pattern)


def names_of(limits: Limits) -> set[Stream]:
    """Return the streams that are watched by their names."""
    return {pattern for pattern in limits.watched_streams if is_name(pattern)}


def room_of(limits: Limits, remembered: int) -> int:
    """Return how many more streams that a pattern matches may be watched."""
    return limits.max_watched_streams - len(names_of(limits)) - remembered


def streams_with_series(limits: Limits, remembered: Sequence[Stream]) -> list[Stream]:
    """Return the streams that have series: those named, then those remembered, within limits."""
    matching = [stream for stream in remembered if is_matched(limits.watched_streams, stream)]
    return list(dict.fromkeys([*sorted(names_of(limits)), *matching]))[
        : limits.max_watched_streams
    ]


def unwatched(limits: Limits, remembered: Sequence[Stream]) -> list[Stream]:
    """Return the streams remembered that no pattern matches any more, or that are named now."""
    names = names_of(limits)
    return [
        stream
        for stream in remembered
        if stream in names or not is_matched(limits.watched_streams, stream)
    ]


def is_matched(patterns: tuple[Stream, ...], stream: Stream) -> bool:
    """Return whether any pattern matches a stream."""
    return bool(patterns) and any(one.fullmatch("\0".join(stream)) for one in _compiled(patterns))


def watched_cells(
    cells: Iterable[Cell], streams: Sequence[Stream], active: Container[Stream]
) -> list[Cell]:
    """Return the cells of a snapshot, with all of the watched ``streams`` and of no others.

    Each has its state, and every number from the start: at 0.
    """
    known = set(streams)
    kept = [
        cell for cell in cells if cell.family not in STORED_FAMILIES or cell.labels[:3] in known
    ]
    stored = {(cell.family, cell.labels) for cell in kept if cell.family in STORED_FAMILIES}
    for stream in streams:
        kept.append(Cell(catalogue.WATCHED_ACTIVE.name, stream, "", int(stream in active), 0.0))
        numbers = [(catalogue.WATCHED_LAST_CHANGE.name, tuple(stream))]
        numbers += [(catalogue.WATCHED_INTERRUPTIONS.name, (*stream, cause)) for cause in CAUSES]
        kept += [Cell(*key, "", 0, 0.0) for key in numbers if key not in stored]
    return kept


STORED_FAMILIES: Final = (catalogue.WATCHED_LAST_CHANGE.name, catalogue.WATCHED_INTERRUPTIONS.name)


@lru_cache(maxsize=16)
def _compiled(patterns: tuple[Stream, ...]) -> tuple[re.Pattern[str], ...]:
    return tuple(
        re.compile(
            "\0".join("[^\0]*".join(map(re.escape, part.split(ANY))) for part in pattern),
            re.DOTALL,
        )
        for pattern in patterns
    )
