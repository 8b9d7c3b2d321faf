"""Which sources, series and watched streams the shared ledger has admitted, and the room for more.

Sources and series are not forgotten while the ledger is in use: those found once are not asked for
again.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import orjson

from exporter.ledger.facts import Questions, Series
from exporter.ledger.limits import Limits
from exporter.ledger.postgres.connection import Connection, Cursor
from exporter.ledger.postgres.numbers import ask_series, encode, key_of, series_of
from exporter.ledger.postgres.schema import LOCKS, SOURCES_LOCK
from exporter.ledger.watching import room_of
from exporter.metrics.entries import Source
from exporter.protocol.vocabulary import Stream

_LOCK: Final = "SELECT pg_advisory_xact_lock(%b, %b)"
_SELECT_SOURCES: Final = "SELECT source FROM css_exporter.source WHERE key = ANY(%b)"
_COUNT_SOURCES: Final = "SELECT count(*) FROM css_exporter.source"
SELECT_WATCHED: Final = "SELECT stream FROM css_exporter.watched ORDER BY watched"

_Asked = tuple[list[Cursor], list[Cursor], Cursor | None]


@dataclass(slots=True)
class Admitted:
    """The sources and series known to be stored, which need not be looked up again."""

    sources: set[Source] = field(default_factory=set)
    series: set[Series] = field(default_factory=set)


class Places(NamedTuple):
    """What of the sources, series and streams asked for is admitted, and the room for more."""

    sources: set[Source]
    source_room: int
    series: set[Series]
    series_room: int
    watched: set[Stream]
    watched_room: int

    def can_admit(self, asked: Questions, known: Admitted) -> bool:
        """Return whether any that is not admitted has room."""
        sources = asked.sources - known.sources - self.sources
        series = {
            one
            for one in asked.series - known.series - self.series
            if self.source_room > 0 or one[1] not in sources
        }
        return bool(
            (sources and self.source_room > 0)
            or (series and self.series_room > 0)
            or (asked.watched - self.watched and self.watched_room > 0)
        )


def lock_places(connection: Connection) -> None:
    """Let nobody else admit any until the transaction ends."""
    connection.execute(_LOCK, (LOCKS, SOURCES_LOCK))


def ask_places(connection: Connection, asked: Questions, known: Admitted) -> _Asked:
    """Ask for what ``places_in`` returns."""
    return (
        _ask_sources(connection, asked.sources - known.sources),
        ask_series(connection, asked.series - known.series),
        connection.execute(SELECT_WATCHED) if asked.watched else None,
    )


def places_in(places: _Asked, limits: Limits) -> Places:
    """Return what ``ask_places`` asked for."""
    sources, series, watched = places
    streams = streams_in(watched)
    return Places(
        *_sources(sources, limits),
        *series_of(series, limits.max_series),
        set(streams),
        room_of(limits, len(streams)),
    )


def streams_in(asked: Cursor | None) -> list[Stream]:
    """Return the streams that are watched because of a pattern, of ``SELECT_WATCHED``."""
    return [tuple(orjson.loads(stream)) for (stream,) in asked or ()]


def _ask_sources(connection: Connection, unknown: AbstractSet[Source]) -> list[Cursor]:
    if not unknown:
        return []
    keys = [key_of(encode(source)) for source in unknown]
    return [connection.execute(_SELECT_SOURCES, (keys,)), connection.execute(_COUNT_SOURCES)]


def _sources(asked: list[Cursor], limits: Limits) -> tuple[set[Source], int]:
    """Return which sources are admitted, and the room for more."""
    if not asked:
        return set(), 0
    found, count = asked
    admitted: set[Source] = {tuple(orjson.loads(source)) for (source,) in found}
    return admitted, limits.max_sources - sum(count.fetchone() or ())
