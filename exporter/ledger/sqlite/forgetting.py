"""What the embedded ledger forgets, in small steps; the caller holds the transaction."""

import sqlite3
from typing import Final

from exporter.ledger.interface import Limits
from exporter.ledger.posting import Facts, plan_expiry
from exporter.ledger.sqlite.tables import open_pushes, write

FORGET_STEP: Final = 2000
EXPIRE_STEP: Final = 200

# Those too old, and those that a clock gone wrong put too far ahead.
_FORGET: Final = """
    DELETE FROM identity WHERE receipt IN (
        SELECT receipt FROM (SELECT receipt, seen_at FROM identity ORDER BY receipt LIMIT ?)
        WHERE abs(? - seen_at) > ?)"""
_SELECT_IDLE: Final = "SELECT identity FROM open_push WHERE heard_at < ? LIMIT ?"


def forget(connection: sqlite3.Connection, limits: Limits, now: float) -> bool:
    """Forget a step's worth of old identities and idle pushes; return if more may be due."""
    forgotten = connection.execute(_FORGET, (FORGET_STEP, now, limits.dedupe_seconds)).rowcount
    more = forgotten == FORGET_STEP
    if limits.push_idle_seconds:
        silence = limits.push_idle_seconds + limits.hearing_seconds
        more = _expire(connection, limits, now - silence, now) or more
    return more


def _expire(connection: sqlite3.Connection, limits: Limits, before: float, now: float) -> bool:
    """Close a step's worth of pushes of whose stream nothing was heard since ``before``."""
    rows = connection.execute(_SELECT_IDLE, (before, EXPIRE_STEP)).fetchall()
    idle = {identity for (identity,) in rows}
    if idle:
        facts = Facts(pushes=open_pushes(connection, idle))
        write(connection, plan_expiry(sorted(idle), facts, limits, now))
    return len(idle) == EXPIRE_STEP
