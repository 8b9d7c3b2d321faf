"""Pages of streams and the pushes of one in the shared ledger, in SQL; see ``sqlite.history``."""

from collections.abc import Collection, Iterator
from typing import Final

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
from exporter.ledger.postgres import states
from exporter.ledger.postgres.connection import Connection, Cursor, begin_reading
from exporter.ledger.postgres.numbers import encode, key_of
from exporter.ledger.searching import COLUMNS, Dialect, statements
from exporter.metrics.catalogue import ACTIVE_STREAMS
from exporter.protocol.vocabulary import Stream

_NEWER_OPEN: Final = """EXISTS (
    SELECT FROM css_exporter.push AS own
    WHERE own.stream_key = last.stream_key AND (own.ended_at_ms IS NULL)
        AND (own.began_at_ms, own.identity) > (last.began_at_ms, last.identity))"""
_DIALECT: Final = Dialect(
    table="css_exporter.push",
    mark="%b",
    find="strpos",
    newline="chr(10)",
    # By a locale's rules letters of other alphabets would change too, and it takes twice as long.
    lower='lower({} COLLATE "C")',
    begins="last.stream ^@ %b",
    # Of stream as it is: of that the planner has samples, so it knows whether many are like it.
    like='last.stream COLLATE "C" ILIKE %b',
    open_one=states.OPEN.format(key="last.stream_key"),
    newer_open=_NEWER_OPEN,
    newer=states.NEWER,
    unintended=states.UNINTENDED,
)
_NOW: Final = "SELECT extract(epoch FROM clock_timestamp())::float8"
# ON: never by a table of hashes, which takes three times as long as reading along push_by_stream.
_COUNT: Final = """
    SELECT count(*)
    FROM (SELECT DISTINCT ON (stream_key) stream_key FROM css_exporter.push) AS own"""
_ACTIVE: Final = "SELECT coalesce(sum(value), 0) FROM css_exporter.cell WHERE family = %b"
_OF_STREAM: Final = f"""
    SELECT {COLUMNS} FROM css_exporter.push WHERE stream_key = %b
    ORDER BY ended_at_ms IS NULL DESC, began_at_ms DESC, identity DESC LIMIT %b"""  # noqa: S608 - our own names

_KNOWN: Final = f"""
    SELECT {", ".join(KnownPush._fields)} FROM css_exporter.push
    WHERE stream_key = ANY(%b)"""  # noqa: S608 - our own names
_PRUNED: Final = "SELECT coalesce(max(until_ms), 0) FROM css_exporter.pruned"


def streams(connection: Connection, limits: Limits, query: StreamQuery) -> StreamPage:
    """Return a page of streams; see ``Ledger.streams``."""
    with connection.together() as pipeline:
        begin_reading(connection)
        asked = connection.execute(_NOW)
        pipeline.sync()
        (now,) = asked.fetchone() or (0.0,)
        window = window_ms(limits, now)
        pages = [
            connection.execute(sql, values) for sql, values in statements(query, window, _DIALECT)
        ]
        active = connection.execute(_ACTIVE, (ACTIVE_STREAMS.name,))
        every = connection.execute(_COUNT)
        away = states.ask_for_dropped(connection, limits, now)
        connection.commit_now()
    found = [push for page in pages for push in _decoded(page)]
    dropped = sum(number for *_, number in away)
    running = _number(active)
    ended = max(0, _number(every) - running - dropped)
    return page_of(found, query, {"active": running, "dropped": dropped, "ended": ended}, window)


def pushes_of(connection: Connection, limits: Limits, stream: Stream, most: int) -> StreamHistory:
    """Return the history of a stream; see ``Ledger.pushes_of``."""
    with connection.together():
        begin_reading(connection)
        asked = connection.execute(_NOW)
        rows = connection.execute(_OF_STREAM, (key_of(encode(stream)), most))
        connection.commit_now()
    (now,) = asked.fetchone() or (0.0,)
    return history_of(_decoded(rows), window_ms(limits, now))


def known_pushes(connection: Connection, streams: Collection[Stream]) -> KnownPushes:
    """Return all pushes kept of some streams; see ``Ledger.known_pushes``."""
    with connection.together():
        begin_reading(connection)
        rows = connection.execute(_KNOWN, ([key_of(encode(stream)) for stream in streams],))
        pruned = connection.execute(_PRUNED)
        connection.commit_now()
    pushes = [KnownPush.of_row(*row) for row in rows]
    return KnownPushes(pushes, _number(pruned))


def _number(cursor: Cursor) -> int:
    (number,) = cursor.fetchone() or (0,)
    return int(number)


def _decoded(rows: Cursor) -> Iterator[KeptPush]:
    for identity, stream, *rest in rows:
        yield KeptPush(bytes(identity), tuple(orjson.loads(stream)), *rest)
