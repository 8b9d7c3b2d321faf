"""The embedded ledger's tables: answering what a posting asks, writing what was planned.

Each statement takes its rows all at once: Python's sqlite3 lets other threads run around
every step, so a statement for each row costs more in waiting than in work.  The caller
holds the transaction.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
from itertools import chain
from math import ceil
from typing import Any, Final, NamedTuple

import orjson

from exporter.ledger.facts import NEWEST_PUSHES, Facts, Numbers, Plan, PushRow, Questions, Series
from exporter.ledger.gauges import SOURCED, series_in
from exporter.ledger.limits import Limits
from exporter.ledger.rows import ROW, STATE, merging
from exporter.ledger.watching import room_of
from exporter.metrics.catalogue import BY_NAME, SERIES
from exporter.metrics.entries import Source
from exporter.protocol.vocabulary import Stream

_VALUES: Final = 999
"""Values in a statement: old builds of SQLite take no more."""

_ROWS: Final = 100

# OR FAIL: a failed statement need not be undone alone, since the whole transaction is; to be
# able to, SQLite would keep a journal of each statement.
_INSERT_IDENTITIES: Final = "INSERT OR FAIL INTO identity (identity, seen_at) VALUES {rows}"
_INSERT_SOURCES: Final = "INSERT OR FAIL INTO source VALUES {rows}"
_INSERT_WATCHED: Final = "INSERT OR FAIL INTO watched (stream) VALUES {rows}"
_UPSERT_PUSHES: Final = f"""
    INSERT OR FAIL INTO push (identity, {", ".join(ROW)}) VALUES {{rows}}
    ON CONFLICT (identity) DO UPDATE SET {", ".join(merging("max"))}"""  # noqa: S608 - our own names
_LATEST: Final = ", ".join(f"'{name}'" for name, one in BY_NAME.items() if one.latest)
_UPSERT_CELLS: Final = f"""
    INSERT OR FAIL INTO cell (family, labels, cell, value, created_at) VALUES {{rows}}
    ON CONFLICT DO UPDATE SET value = CASE WHEN family IN ({_LATEST})
        THEN max(value, excluded.value) ELSE value + excluded.value END"""  # noqa: S608 - our own names

# One row of JSON, since each row is a step.
_FOUND: Final = f"SELECT json_group_array(json_array(hex(identity), {', '.join(STATE)}))"
_SELECT_PUSHES: Final = f"{_FOUND} FROM push WHERE identity IN ({{marks}})"
_SELECT_NEWEST: Final = f"""
    {_FOUND} FROM json_each(?) AS asked CROSS JOIN push WHERE push IN (
        SELECT own.push FROM push AS own WHERE own.stream = asked.value
            AND (own.ended_at_ms IS NULL) = 1
        ORDER BY own.began_at_ms DESC, own.identity DESC LIMIT ?)"""  # noqa: S608 - our own names

_SELECT_SERIES: Final = """
    SELECT DISTINCT family, labels FROM (VALUES {marks}) AS asked
    CROSS JOIN cell WHERE family = asked.column1 AND labels = asked.column2"""
_COUNT_SERIES: Final = "SELECT coalesce(sum(value), 0) FROM cell WHERE family = ?"


class Admitted(NamedTuple):
    """The sources and series known to be stored, which need not be looked up again."""

    sources: set[Source]
    series: set[Series]

    def add(self, written: Plan) -> None:
        """Add those of a plan that is committed."""
        self.sources.update(written.sources)
        self.series.update(written.series)


def answer(
    connection: sqlite3.Connection, asked: Questions, limits: Limits, known: Admitted
) -> Facts:
    """Look up what a posting asks, except what is ``known``, and add to that what is found."""
    seen = {
        identity
        for chunk in _chunks(asked.identities)
        for (identity,) in connection.execute(
            f"SELECT identity FROM identity WHERE identity IN ({_marks(chunk)})",  # noqa: S608 - marks
            chunk,
        )
    }
    pushes = find_pushes(connection, asked.pushes, asked.streams)
    room = _look_up_sources(connection, asked.sources, limits, known.sources)
    series_room = look_up(connection, asked.series, limits, known.series)
    watched = _watched(connection, asked, limits)
    return Facts(seen, pushes, known.sources, room, known.series, series_room, *watched)


def write(connection: sqlite3.Connection, plan: Plan) -> None:
    """Write what was planned."""
    _insert(
        connection,
        _INSERT_IDENTITIES,
        [(identity, ceil(seen_at)) for identity, seen_at in plan.identities.items()],
    )
    _insert(connection, _INSERT_SOURCES, [(encode(source),) for source in plan.sources])
    _insert(connection, _INSERT_WATCHED, [(encode(stream),) for stream in plan.watched])
    for chunk in _chunks(plan.joined):
        connection.execute(
            f"DELETE FROM push WHERE identity IN ({_marks(chunk)})",  # noqa: S608 - marks
            chunk,
        )
    _insert(
        connection,
        _UPSERT_PUSHES,
        [
            (identity, encode(stream), _labels(source), *state, *said)
            for identity, (stream, source, *state, said) in plan.pushes.items()
        ],
    )
    for identity, heard_at_ms in plan.heard.items():  # rare: once in a hundredth of push_idle_days
        connection.execute(
            "UPDATE push SET heard_at_ms = ? WHERE identity = ?", (heard_at_ms, identity)
        )
    add(connection, plan.added, plan.latest)


def add(connection: sqlite3.Connection, *numbers: Numbers) -> None:
    """Add to what is stored; of the families that are ``latest`` the larger number stays."""
    _insert(connection, _UPSERT_CELLS, [row for some in numbers for row in _cells(some)])


def look_up(
    connection: sqlite3.Connection, asked: AbstractSet[Series], limits: Limits, known: set[Series]
) -> int:
    """Add those of the series that are stored to ``known``; return the room for others."""
    unknown = asked - known
    if not unknown:
        return 0
    for chunk in _chunks(unknown):
        marks = ", ".join(["(?, ?)"] * len(chunk))
        values = [text for name, source, own in chunk for text in (name, encode((*source, *own)))]
        known |= series_in(connection.execute(_SELECT_SERIES.format(marks=marks), values))
    (count,) = connection.execute(_COUNT_SERIES, (SERIES.name,)).fetchone()
    return limits.max_series - int(count)


def stored_series(connection: sqlite3.Connection) -> set[Series]:
    """Return all series that are stored of sources with labels of their own."""
    return series_in(
        connection.execute(
            f"SELECT DISTINCT family, labels FROM cell WHERE family IN ({_marks(SOURCED)})",  # noqa: S608 - marks
            SOURCED,
        )
    )


def watched_streams(connection: sqlite3.Connection) -> list[Stream]:
    """Return the streams that are watched because of a pattern, in the order of admission."""
    rows = connection.execute("SELECT stream FROM watched ORDER BY watched")
    return [tuple(orjson.loads(stream)) for (stream,) in rows]


def prove(connection: sqlite3.Connection, now: float) -> None:
    """Write something, so that the commit proves that a commit is possible."""
    connection.execute("UPDATE proof SET committed_at = ?", (now,))


def find_pushes(
    connection: sqlite3.Connection, identities: AbstractSet[bytes], streams: Iterable[Stream] = ()
) -> dict[bytes, PushRow]:
    """Return the pushes of identities, and the newest open ones of their streams and of others.

    So many of each stream that its newest is among them even if all these identities close.
    """
    pushes: dict[bytes, PushRow] = {}
    for chunk in _chunks(identities):
        statement = _SELECT_PUSHES.format(marks=_marks(chunk))
        pushes |= _decoded(*connection.execute(statement, chunk).fetchone())
    asked = {*streams, *(push.stream for push in pushes.values())}
    if asked:
        keys = orjson.dumps([encode(stream) for stream in asked]).decode()
        most = max(NEWEST_PUSHES, len(identities) + 1)
        pushes |= _decoded(*connection.execute(_SELECT_NEWEST, (keys, most)).fetchone())
    return pushes


def encode(names: tuple[str, ...]) -> str:
    """Return names as they are stored."""
    return orjson.dumps(names).decode()


_labels = lru_cache(maxsize=10_000)(encode)  # of those there are few, and written often


def _decoded(rows: str) -> dict[bytes, PushRow]:
    return {
        bytes.fromhex(identity): PushRow(
            tuple(orjson.loads(stream)), tuple(orjson.loads(source)), *rest
        )
        for identity, stream, source, *rest in orjson.loads(rows)
    }


def _look_up_sources(
    connection: sqlite3.Connection, asked: AbstractSet[Source], limits: Limits, known: set[Source]
) -> int:
    """Do the same as ``look_up`` with sources."""
    unknown = asked - known
    if not unknown:
        return 0
    for chunk in _chunks(map(encode, unknown)):
        known |= {
            tuple(orjson.loads(source))
            for (source,) in connection.execute(
                f"SELECT source FROM source WHERE source IN ({_marks(chunk)})",  # noqa: S608 - marks
                chunk,
            )
        }
    (count,) = connection.execute("SELECT count(*) FROM source").fetchone()
    return limits.max_sources - int(count)


def _watched(
    connection: sqlite3.Connection, asked: Questions, limits: Limits
) -> tuple[set[Stream], int]:
    """Return which of the streams asked for are watched, and the room for others."""
    if not asked.watched:
        return set(), 0
    remembered = watched_streams(connection)
    return set(asked.watched).intersection(remembered), room_of(limits, len(remembered))


def _cells(numbers: Numbers) -> list[tuple[Any, ...]]:
    return [
        (family, _labels(labels), cell, *number)
        for (family, labels, cell), number in numbers.items()
    ]


def _insert(connection: sqlite3.Connection, statement: str, rows: list[tuple[Any, ...]]) -> None:
    for chunk in _chunks(rows, _VALUES // len(rows[0]) if rows else _ROWS):
        connection.execute(
            _of_rows(statement, len(chunk), len(chunk[0])),
            list(chain.from_iterable(chunk)),
        )


@lru_cache(maxsize=512)
def _of_rows(statement: str, rows: int, columns: int) -> str:
    marks = f"({', '.join('?' * columns)})"
    return statement.format(rows=", ".join([marks] * rows))


def _marks(values: Sequence[Any]) -> str:
    return ", ".join("?" * len(values))


def _chunks(values: Iterable[Any], most: int = _ROWS) -> Iterator[list[Any]]:
    rows = list(values)
    for start in range(0, len(rows), min(most, _ROWS)):
        yield rows[start : start + min(most, _ROWS)]
