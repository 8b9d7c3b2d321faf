"""What the shared ledger forgets, in small steps; any replica may take the next one."""

from typing import Final

from exporter.ledger.interface import Limits
from exporter.ledger.postgres.connection import Connection, columns
from exporter.ledger.postgres.tables import begin, lock_of, pushes_in, stripe_of, write
from exporter.ledger.posting import Facts, plan_expiry

FORGET_STEP: Final = 5000
EXPIRE_STEP: Final = 200

_FORGET: Final = """
    DELETE FROM css_exporter.identity WHERE identity = ANY(ARRAY(
        SELECT identity FROM css_exporter.identity WHERE seen_at < %s
        ORDER BY seen_at LIMIT %s FOR UPDATE SKIP LOCKED))"""
_SELECT_IDLE: Final = """
    SELECT stream_key FROM css_exporter.open_push WHERE heard_at < %s ORDER BY heard_at LIMIT %s"""
_LOCK: Final = """
    SELECT stream_key FROM unnest(%b::bytea[], %b::bigint[]) AS idle(stream_key, lock)
    WHERE pg_try_advisory_xact_lock(lock)"""
_SELECT_PUSHES: Final = """
    SELECT identity, stream_key, stream, source, origin, began_at, heard_at
    FROM css_exporter.open_push WHERE stream_key = ANY(%b) ORDER BY identity FOR UPDATE"""


def forget(connection: Connection, limits: Limits, now: float) -> bool:
    """Forget a step's worth of old identities and idle pushes; return if more may be due."""
    with connection.together():
        begin(connection)
        forgotten = connection.execute(_FORGET, (now - limits.dedupe_seconds, FORGET_STEP))
        connection.commit_now()
    more = forgotten.rowcount == FORGET_STEP
    if limits.push_idle_seconds:
        silence = limits.push_idle_seconds + limits.hearing_seconds
        more = _expire(connection, limits, now - silence, now) or more
    return more


def _expire(connection: Connection, limits: Limits, before: float, now: float) -> bool:
    """Close a step's worth of idle pushes; a stream that somebody has in hand waits."""
    idle = connection.execute(_SELECT_IDLE, (before, EXPIRE_STEP)).fetchall()
    if not idle:
        return False
    streams = [(key, lock_of(key)) for key in {key for (key,) in idle}]
    with connection.together() as pipeline:
        begun = begin(connection)
        locked = connection.execute(_LOCK, columns(streams))
        pipeline.sync()
        found = connection.execute(_SELECT_PUSHES, ([key for (key,) in locked],))
        pipeline.sync()
        pushes = pushes_in(found)
        silent = [identity for identity, push in pushes.items() if push.heard_at < before]
        planned = plan_expiry(silent, Facts(pushes=pushes), limits, now)
        write(connection, planned, stripe_of(begun))
        connection.commit_now()
    return bool(silent) and len(idle) == EXPIRE_STEP
