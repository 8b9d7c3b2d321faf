"""The state of streams in the embedded ledger, in SQL; the caller holds the transaction."""

import sqlite3
from collections.abc import Iterable
from typing import Final

import orjson

from exporter.ledger.changes import OpenPush
from exporter.ledger.dropped import window_ms
from exporter.ledger.limits import Limits
from exporter.ledger.sqlite.tables import encode
from exporter.protocol.errcodes import INTENDED_NUMBERS
from exporter.protocol.vocabulary import Stream

OPEN: Final = (
    "EXISTS (SELECT 1 FROM push AS own WHERE own.stream = {stream}"
    " AND (own.ended_at_ms IS NULL) = 1)"
)
NEWER: Final = """EXISTS (
    SELECT 1 FROM push AS own WHERE own.stream = last.stream AND (own.ended_at_ms IS NULL) = 0
        AND (own.began_at_ms, own.identity) > (last.began_at_ms, last.identity))"""
UNINTENDED: Final = f"""ended_by = 'interruption'
    AND errcode NOT IN ({", ".join(map(str, INTENDED_NUMBERS))})"""

_DROPPED: Final = f"""
    SELECT source, origin, count(*) FROM push AS last
    WHERE ended_at_ms BETWEEN ? AND ? AND {UNINTENDED}
        AND NOT {OPEN.format(stream="last.stream")} AND NOT {NEWER}
    GROUP BY source, origin"""  # noqa: S608 - our own conditions
_ACTIVE: Final = f"""
    SELECT value FROM json_each(?) AS asked WHERE {OPEN.format(stream="asked.value")}"""  # noqa: S608 - as above

_OPEN_PUSHES: Final = """
    SELECT stream, identity, began_at_ms, heard_at_ms FROM push WHERE ended_at_ms IS NULL"""


def open_pushes(connection: sqlite3.Connection) -> list[OpenPush]:
    """Return all open pushes."""
    return [
        OpenPush(tuple(orjson.loads(stream)), *rest)
        for stream, *rest in connection.execute(_OPEN_PUSHES)
    ]


def dropped(
    connection: sqlite3.Connection, limits: Limits, now: float
) -> list[tuple[str, str, int]]:
    """Return how many streams are dropped, by source (JSON) and origin."""
    return connection.execute(_DROPPED, window_ms(limits, now)).fetchall()


def active_of(connection: sqlite3.Connection, streams: Iterable[Stream]) -> set[Stream]:
    """Return which of some streams have an open push."""
    keys = orjson.dumps([encode(stream) for stream in streams]).decode()
    return {tuple(orjson.loads(key)) for (key,) in connection.execute(_ACTIVE, (keys,))}
