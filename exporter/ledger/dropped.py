"""Which streams count as dropped: a state of the rows at a moment, not a sum of events.  Pure.

A stream is dropped if it has no open push and its newest push, by its beginning, ended with a
cause that nobody intended, within a window of time.  A push that was closed without its
interruption has no cause, and drops nothing.
"""

from collections.abc import Iterable

import orjson

from exporter.ledger.interface import Cell
from exporter.ledger.limits import Limits
from exporter.metrics import catalogue


def window_ms(limits: Limits, now: float) -> tuple[int, int]:
    """Return the first and the last moment (Unix ms) at which a dropped stream's push ended."""
    since = now - limits.dropped_stream_minutes * 60
    until = now - limits.return_grace_seconds
    return round(since * 1000), round(until * 1000)


def dropped_cells(rows: Iterable[tuple[str, str, int]], cells: Iterable[Cell]) -> list[Cell]:
    """Return the gauge of dropped streams; ``rows`` have source (JSON), origin, streams.

    Also where none is dropped: at 0 wherever streams may be active.
    """
    numbers = {cell.labels: 0 for cell in cells if cell.family == catalogue.ACTIVE_STREAMS.name}
    for source, origin, streams in rows:
        numbers[(*orjson.loads(source), origin)] = streams
    return [
        Cell(catalogue.DROPPED_STREAMS.name, labels, "", streams, 0.0)
        for labels, streams in numbers.items()
    ]
