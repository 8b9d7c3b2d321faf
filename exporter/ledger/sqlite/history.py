"""Pages of streams, and the pushes of one, in SQL; the caller holds the transaction."""

import sqlite3
from collections.abc import Collection
from typing import Any, Final

import orjson

from exporter.ledger.dropped import window_ms
from exporter.ledger.history import (
    KeptPush,
    KnownPush,
    KnownPushes,
    StreamHistory,
    StreamPage,
    StreamQuery,
    history_of,
    page_of,
)
from exporter.ledger.limits import Limits
from exporter.ledger.searching import COLUMNS, Dialect, statements
from exporter.ledger.sqlite import states
from exporter.ledger.sqlite.tables import encode
from exporter.metrics.catalogue import ACTIVE_STREAMS
from exporter.protocol.vocabulary import Stream

_NEWER_OPEN: Final = """EXISTS (
    SELECT 1 FROM push AS own WHERE own.stream = last.stream AND (own.ended_at_ms IS NULL) = 1
        AND (own.began_at_ms, own.identity) > (last.began_at_ms, last.identity))"""
_DIALECT: Final = Dialect(
    table="push",
    mark="?",
    find="instr",
    newline="char(10)",
    lower="lower({})",
    begins="substr(last.stream, 1, {length}) = ?",
    like=r"last.stream LIKE ? ESCAPE '\'",
    open_one=states.OPEN.format(stream="last.stream"),
    newer_open=_NEWER_OPEN,
    newer=states.NEWER,
    unintended=states.UNINTENDED,
)
# Along push_by_stream, whose first column is skipped through: a text of each stream is read once.
_COUNT: Final = "SELECT count(*) FROM (SELECT DISTINCT stream FROM push)"
_ACTIVE: Final = "SELECT coalesce(sum(value), 0) FROM cell WHERE family = ?"
_OF_STREAM: Final = f"""
    SELECT {COLUMNS} FROM push WHERE stream = ?
    ORDER BY ended_at_ms IS NULL DESC, began_at_ms DESC, identity DESC LIMIT ?"""  # noqa: S608 - our own names

_KNOWN: Final = f"""
    SELECT {", ".join(KnownPush._fields)} FROM json_each(?) AS asked
    CROSS JOIN push WHERE push.stream = asked.value"""  # noqa: S608 - our own names
_PRUNED: Final = "SELECT coalesce(max(until_ms), 0) FROM pruned"


def streams(
    connection: sqlite3.Connection, limits: Limits, now: float, query: StreamQuery
) -> StreamPage:
    """Return a page of streams; see ``Ledger.streams``."""
    window = window_ms(limits, now)
    found = [
        _decoded(row)
        for statement in statements(query, window, _DIALECT)
        for row in connection.execute(*statement)
    ]
    (active,) = connection.execute(_ACTIVE, (ACTIVE_STREAMS.name,)).fetchone()
    (every,) = connection.execute(_COUNT).fetchone()
    dropped = sum(number for *_, number in states.dropped(connection, limits, now))
    ended = max(0, every - active - dropped)
    counts = {"active": active, "dropped": dropped, "ended": ended}
    return page_of(found, query, counts, window)  # type: ignore[arg-type]


def pushes_of(
    connection: sqlite3.Connection, limits: Limits, now: float, stream: Stream, most: int
) -> StreamHistory:
    """Return the history of a stream; see ``Ledger.pushes_of``."""
    rows = connection.execute(_OF_STREAM, (encode(stream), most))
    return history_of(map(_decoded, rows), window_ms(limits, now))


def known_pushes(connection: sqlite3.Connection, streams: Collection[Stream]) -> KnownPushes:
    """Return all pushes kept of some streams; see ``Ledger.known_pushes``."""
    asked = orjson.dumps([encode(stream) for stream in streams]).decode()
    rows = connection.execute(_KNOWN, (asked,))
    pushes = [KnownPush.of_row(*row) for row in rows]
    return KnownPushes(pushes, *connection.execute(_PRUNED).fetchone())


def _decoded(row: tuple[Any, ...]) -> KeptPush:
    identity, stream, *rest = row
    return KeptPush(identity, tuple(orjson.loads(stream)), *rest)
