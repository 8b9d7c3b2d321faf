"""What the shared ledger forgets, in small steps; any replica may take the next one."""

from math import ceil
from typing import Final

from exporter.ledger.clock import Clock
from exporter.ledger.facts import Facts
from exporter.ledger.interface import Limits
from exporter.ledger.postgres.connection import LIMIT_TRANSACTION, Connection, columns
from exporter.ledger.postgres.numbers import ask_series, lock_of, series_of
from exporter.ledger.postgres.schema import LOCKS, SOURCES_LOCK
from exporter.ledger.postgres.tables import LOCK_SOURCES, begin, begun_at, pushes_in, write
from exporter.ledger.posting import plan_expiry, questions_of_expiry

FORGET_STEP: Final = 5000
EXPIRE_STEP: Final = 200

_READ_CLOCK: Final = """
    SELECT extract(epoch FROM clock_timestamp())::float8, read_at, doubted_for
    FROM css_exporter.ledger"""
# Unless another replica has just done so.
_NOTE_CLOCK: Final = """
    UPDATE css_exporter.ledger SET read_at = %b, doubted_for = %b
    WHERE read_at IS NOT DISTINCT FROM %b"""
# Those too old, and those that a clock gone wrong put too far ahead.
_FORGET: Final = """
    DELETE FROM css_exporter.identity WHERE identity = ANY(ARRAY(
        SELECT identity FROM css_exporter.identity WHERE seen_at < %(before)s
        ORDER BY seen_at LIMIT %(step)s FOR UPDATE SKIP LOCKED))
    OR identity = ANY(ARRAY(
        SELECT identity FROM css_exporter.identity WHERE seen_at > %(after)s
        ORDER BY seen_at DESC LIMIT %(step)s FOR UPDATE SKIP LOCKED))"""
_SELECT_IDLE: Final = """
    (SELECT stream_key FROM css_exporter.open_push WHERE heard_at_ms < %(before)s
        ORDER BY heard_at_ms LIMIT %(step)s)
    UNION ALL
    (SELECT stream_key FROM css_exporter.open_push WHERE heard_at_ms > %(after)s
        ORDER BY heard_at_ms DESC LIMIT %(step)s)"""
_LOCK: Final = """
    SELECT stream_key FROM unnest(%b::bytea[], %b::bigint[]) AS idle(stream_key, lock)
    WHERE pg_try_advisory_xact_lock(lock)"""
_SELECT_PUSHES: Final = """
    SELECT identity, stream_key, stream, source, origin, began_at_ms, heard_at_ms
    FROM css_exporter.open_push WHERE stream_key = ANY(%b) ORDER BY identity FOR UPDATE"""


def forget(connection: Connection, limits: Limits) -> bool:
    """Forget a step's worth of old identities and idle pushes; return if more may be due."""
    now, clock = _read_clock(connection)
    if not clock.is_trusted:
        return False
    kept = ceil(limits.dedupe_seconds)
    with connection.together():
        begin(connection)
        forgotten = connection.execute(
            _FORGET, {"before": int(now) - kept, "after": ceil(now) + kept, "step": FORGET_STEP}
        )
        connection.commit_now()
    more = forgotten.rowcount >= FORGET_STEP
    if limits.push_idle_seconds:
        more = _expire(connection, limits, now * 1000) or more
    return more


def _read_clock(connection: Connection) -> tuple[float, Clock]:
    """Return the server's time and the ledger's clock after reading it."""
    now, *known = connection.execute(_READ_CLOCK).fetchone() or (0.0, None, 0.0)
    before = Clock(*known)
    clock = before.after(now)
    if clock != before:
        with connection.together():
            connection.execute("BEGIN")
            connection.execute(LIMIT_TRANSACTION)
            connection.execute(_NOTE_CLOCK, (*clock, before.read_at))
            connection.commit_now()
    return now, clock


def _expire(connection: Connection, limits: Limits, now_ms: float) -> bool:
    """Close a step's worth of idle pushes; a stream that somebody has in hand waits."""
    # Whole numbers: for others PostgreSQL would read all of the index.
    before, after = int(now_ms - limits.silence_ms), int(now_ms + limits.silence_ms)
    idle = connection.execute(
        _SELECT_IDLE, {"before": before, "after": after, "step": EXPIRE_STEP}
    ).fetchall()
    if not idle:
        return False
    streams = [(key, lock_of(key)) for key in {key for (key,) in idle}]
    with connection.together() as pipeline:
        begun = begin(connection)
        locked = connection.execute(_LOCK, columns(streams))
        # Before any row of a push, as in every transaction.
        connection.execute(LOCK_SOURCES, (LOCKS, SOURCES_LOCK))
        pipeline.sync()
        found = connection.execute(_SELECT_PUSHES, ([key for (key,) in locked],))
        pipeline.sync()
        pushes = pushes_in(found)
        silent = {
            identity: push
            for identity, push in pushes.items()
            if not before <= push.heard_at_ms <= after
        }
        asked = ask_series(connection, questions_of_expiry(silent.values()))
        pipeline.sync()
        stored, room = series_of(asked, limits.max_series)
        now, stripe = begun_at(begun)
        facts = Facts(pushes=pushes, series=stored, series_room=room)
        write(connection, plan_expiry(silent, facts, limits, now), stripe)
        connection.commit_now()
    return bool(silent) and len(idle) >= EXPIRE_STEP
