"""The state of streams in the shared ledger, in SQL; see ``sqlite.states``."""

from collections.abc import Iterable
from typing import Final

import orjson

from exporter.ledger.changes import OpenPush
from exporter.ledger.dropped import window_ms
from exporter.ledger.limits import Limits
from exporter.ledger.postgres.connection import Connection, Cursor, begin_reading
from exporter.ledger.postgres.numbers import encode, key_of
from exporter.protocol.errcodes import INTENDED_NUMBERS
from exporter.protocol.vocabulary import Stream

OPEN: Final = """EXISTS (
    SELECT FROM css_exporter.push AS own
    WHERE own.stream_key = {key} AND (own.ended_at_ms IS NULL))"""
NEWER: Final = """EXISTS (
    SELECT FROM css_exporter.push AS own
    WHERE own.stream_key = last.stream_key AND NOT (own.ended_at_ms IS NULL)
        AND (own.began_at_ms, own.identity) > (last.began_at_ms, last.identity))"""
UNINTENDED: Final = f"""ended_by = 'interruption'
    AND errcode NOT IN ({", ".join(map(str, INTENDED_NUMBERS))})"""

_DROPPED: Final = f"""
    SELECT source, origin, count(*) FROM css_exporter.push AS last
    WHERE ended_at_ms BETWEEN %b AND %b AND {UNINTENDED}
        AND NOT {OPEN.format(key="last.stream_key")} AND NOT {NEWER}
    GROUP BY source, origin"""  # noqa: S608 - our own conditions
_ACTIVE: Final = f"""
    SELECT stream FROM unnest(%b::bytea[], %b::text[]) AS asked(key, stream)
    WHERE {OPEN.format(key="asked.key")}"""  # noqa: S608 - as above

_OPEN_PUSHES: Final = """
    SELECT stream, identity, began_at_ms, heard_at_ms
    FROM css_exporter.push WHERE ended_at_ms IS NULL"""


def open_pushes(connection: Connection) -> list[OpenPush]:
    """Return all open pushes."""
    with connection.together():
        begin_reading(connection)
        found = connection.execute(_OPEN_PUSHES)
        connection.commit_now()
    return [OpenPush(tuple(orjson.loads(stream)), *rest) for stream, *rest in found]


def ask_for_dropped(connection: Connection, limits: Limits, now: float) -> Cursor:
    """Ask how many streams are dropped, by source (JSON) and origin."""
    return connection.execute(_DROPPED, window_ms(limits, now))


def ask_for_active(connection: Connection, streams: Iterable[Stream]) -> Cursor:
    """Ask which of some streams have an open push; see ``active_of``."""
    texts = [encode(stream) for stream in streams]
    return connection.execute(_ACTIVE, ([key_of(text) for text in texts], texts))


def active_of(asked: Cursor) -> set[Stream]:
    """Return the streams that have one."""
    return {tuple(orjson.loads(text)) for (text,) in asked}
