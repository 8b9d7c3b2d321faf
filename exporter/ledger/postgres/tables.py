"""The shared ledger's tables: locking and answering what a posting asks, writing the plan.

Two round trips for a commit, however many postings share it: what is sent to be answered
together, and what is written together with COMMIT.  READ COMMITTED is enough, because what
must not change between the two is locked first, and a statement after the locks sees all
that others had committed by then:

- A *sequence* (a push and its interruption) and a *stream* have an advisory lock each.
  Without it a push and its interruption, recorded at the same moment by two replicas, would
  not see each other and leave the push open forever; and two first pushes of a stream would
  both count it as active.
- An *identity* is decided by its unique index: the second inserter waits for the first.
- *Sources* and *series* have one lock, taken only while there is one to admit.

Nobody waits in a circle, since every transaction takes its locks in this order: sequences and
streams (sorted), identities (sorted), sources, rows of pushes, numbers (sorted).  A stripe is
only tried for, and so are the rows of pushes that were merely heard of.
"""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Final

import orjson
import psycopg

from exporter.ledger.facts import NEWEST_PUSHES, Facts, Plan, PushRow, Questions
from exporter.ledger.limits import Limits
from exporter.ledger.postgres.admission import Admitted, ask_places, lock_places, places_in
from exporter.ledger.postgres.connection import LIMIT_TRANSACTION, Connection, Cursor, columns
from exporter.ledger.postgres.numbers import (
    add,
    encode,
    keep_latest,
    key_of,
    lock_of,
)
from exporter.ledger.postgres.schema import LOCKS
from exporter.ledger.rows import ROW, STATE, merging
from exporter.protocol.vocabulary import Stream

STRIPES: Final = 16
"""How many transactions can add to the same number at the same moment.

A number's row is locked from its update to the end of the commit, which waits for a disk.  So
each number has a row for each stripe, summed at every scrape; a transaction takes the first
stripe that is free, so there are only as many rows as were ever needed at once.
"""

_BEGIN: Final = """
    SELECT extract(epoch FROM clock_timestamp())::float8, (
        SELECT stripe FROM generate_series(0, %b - 1) AS stripe
        WHERE pg_try_advisory_xact_lock(%b, stripe) LIMIT 1)"""
LOCK_PUSHES: Final = "SELECT count(pg_advisory_xact_lock(key)) FROM unnest(%b::bigint[]) AS key"
_INSERT_IDENTITIES: Final = """
    INSERT INTO css_exporter.identity
    SELECT identity, ceil(extract(epoch FROM clock_timestamp()))
    FROM unnest(%b::bytea[]) AS identity
    ON CONFLICT DO NOTHING RETURNING identity"""
_SELECT_IDENTITIES: Final = "SELECT identity FROM css_exporter.identity WHERE identity = ANY(%b)"
FOUND: Final = f"identity, stream_key, {', '.join(STATE)}"
_SELECT_PUSHES: Final = f"SELECT {FOUND} FROM css_exporter.push WHERE identity = ANY(%b)"  # noqa: S608 - our own names
# Of each stream only so many: one may have thousands.
_SELECT_NEWEST: Final = f"""
    SELECT newest.* FROM (
        SELECT unnest(%b::bytea[]) AS stream_key UNION
        SELECT stream_key FROM css_exporter.push WHERE identity = ANY(%b)) AS asked
    CROSS JOIN LATERAL (
        SELECT {FOUND}
        FROM css_exporter.push AS own WHERE own.stream_key = asked.stream_key
            AND (own.ended_at_ms IS NULL)
        ORDER BY began_at_ms DESC, identity DESC LIMIT %b) AS newest"""  # noqa: S608 - as above
_INSERT_WATCHED: Final = """
    INSERT INTO css_exporter.watched (key, stream) SELECT * FROM unnest(%b::bytea[], %b::text[])
    ON CONFLICT DO NOTHING"""
_INSERT_SOURCES: Final = """
    INSERT INTO css_exporter.source SELECT * FROM unnest(%b::bytea[], %b::text[])
    ON CONFLICT DO NOTHING"""
_DELETE_PUSHES: Final = "DELETE FROM css_exporter.push WHERE identity = ANY(%b)"
_UPSERT_PUSHES: Final = f"""
    INSERT INTO css_exporter.push AS push (identity, stream_key, {", ".join(ROW)})
    SELECT * FROM unnest(%b::bytea[], %b::bytea[], %b::text[], %b::text[], %b::text[],
        %b::bigint[], %b::bigint[], %b::text[], %b::bigint[], %b::text[], %b::text[],
        %b::bytea[], %b::bigint[], %b::bigint[], %b::text[], %b::text[], %b::integer[],
        %b::integer[])
    ON CONFLICT (identity) DO UPDATE SET
        stream_key = excluded.stream_key, {", ".join(merging("greatest"))}"""  # noqa: S608 - as above
# A row that is locked is being closed, or heard of by somebody else.
_HEAR: Final = """
    UPDATE css_exporter.push AS own SET heard_at_ms = heard.at FROM (
        SELECT identity, now.at FROM unnest(%b::bytea[], %b::bigint[]) AS now(identity, at)
        JOIN css_exporter.push USING (identity) FOR UPDATE OF push SKIP LOCKED) AS heard
    WHERE own.identity = heard.identity"""
_PROVE: Final = "UPDATE css_exporter.ledger SET committed_at = %b"


@dataclass(frozen=True, slots=True)
class LockedFacts:
    """What a transaction has found out, the stripe that it adds to, the identities inserted."""

    facts: Facts
    stripe: int
    received: AbstractSet[bytes]


def begin(connection: Connection) -> Cursor:
    """Begin a transaction with its limits of time; see ``begun_at``."""
    connection.execute("BEGIN")
    connection.execute(LIMIT_TRANSACTION)
    return connection.execute(_BEGIN, (STRIPES, LOCKS))


def begun_at(begun: Cursor) -> tuple[float, int]:
    """Return the Unix time at which a transaction began, by the server's clock, and its stripe.

    If no stripe is free it is the first one, and its rows are waited for in the order of keys.
    """
    now, stripe = begun.fetchone() or (0.0, 0)
    return now, stripe or 0


def answer(
    connection: Connection,
    pipeline: psycopg.Pipeline,
    asked: Questions,
    limits: Limits,
    known: Admitted,
    changing: AbstractSet[Stream],
    received: AbstractSet[bytes] = frozenset(),
) -> LockedFacts:
    """Begin, lock, insert the identities received and look up what is asked.

    ``changing`` are the streams whose pushes may begin or end.
    """
    pushes = list(asked.pushes)
    streams = {key_of(encode(stream)) for stream in asked.streams}
    locked = {key_of(encode(stream)) for stream in changing}
    while True:
        begun = begin(connection)
        _ask(connection, LOCK_PUSHES, sorted(map(lock_of, locked | asked.pushes)))
        inserted = _ask(connection, _INSERT_IDENTITIES, sorted(received))
        remembered = _ask(connection, _SELECT_IDENTITIES, list(asked.identities - received))
        named = _ask(connection, _SELECT_PUSHES, pushes)
        newest = _ask_newest(connection, streams, pushes)
        places = ask_places(connection, asked, known)
        pipeline.sync()
        rows = [*(named or ()), *(newest or ())]
        strangers = {key for identity, key, *_ in rows if identity in asked.pushes} - locked
        if not strangers:
            break
        # A packet names another stream than that of its sequence.  To lock that one now would
        # be out of order, so begin again with it.
        connection.execute("ROLLBACK")
        locked |= strangers
    found = places_in(places, limits)
    if found.can_admit(asked, known):
        lock_places(connection)
        places = ask_places(connection, asked, known)
        pipeline.sync()
        found = places_in(places, limits)
    known.sources |= found.sources
    known.series |= found.series
    seen = received - {identity for (identity,) in inserted or ()}
    seen |= {identity for (identity,) in remembered or ()}
    now, stripe = begun_at(begun)
    facts = Facts(
        seen,
        pushes_in(rows),
        known.sources,
        found.source_room,
        known.series,
        found.series_room,
        asked.watched & found.watched,
        found.watched_room,
        clock=now,
    )
    return LockedFacts(facts, stripe, received)


def write(
    connection: Connection, plan: Plan, stripe: int, inserted: AbstractSet[bytes] = frozenset()
) -> None:
    """Write what was planned, but the identities that are ``inserted`` already."""
    _ask(connection, _INSERT_IDENTITIES, sorted(plan.identities.keys() - inserted))
    sources = sorted((key_of(text), text) for text in map(encode, plan.sources))
    watched = sorted((key_of(text), text) for text in map(encode, plan.watched))
    pushes = [
        (identity, key_of(text := encode(stream)), text, encode(source), *state, *said)
        for identity, (stream, source, *state, said) in plan.pushes.items()
    ]
    _ask(connection, _INSERT_SOURCES, *columns(sources))
    _ask(connection, _INSERT_WATCHED, *columns(watched))
    _ask(connection, _DELETE_PUSHES, list(plan.joined))
    _ask(connection, _UPSERT_PUSHES, *columns(pushes))
    _ask(connection, _HEAR, *columns(plan.heard.items()))
    add(connection, plan.added, stripe)
    keep_latest(connection, plan.latest, stripe)


def prove(connection: Connection, now: float) -> None:
    """Write something, so that the commit proves that a commit is possible."""
    connection.execute(_PROVE, (now,))


def pushes_in(rows: Iterable[tuple[Any, ...]]) -> dict[bytes, PushRow]:
    """Return the open pushes of rows that were read."""
    return {
        identity: PushRow(tuple(orjson.loads(stream)), tuple(orjson.loads(source)), *rest)
        for identity, _, stream, source, *rest in rows
    }


def _ask_newest(
    connection: Connection, streams: AbstractSet[bytes], pushes: list[bytes]
) -> Cursor | None:
    """Ask for the newest open pushes of streams, and of those that pushes are of."""
    if not (streams or pushes):
        return None
    most = max(NEWEST_PUSHES, len(pushes) + 1)
    return connection.execute(_SELECT_NEWEST, (list(streams), pushes, most))


def _ask(connection: Connection, statement: str, *parameters: list[Any]) -> Cursor | None:
    """Send a statement about lists, unless the first one is empty."""
    return connection.execute(statement, parameters) if any(parameters) else None
