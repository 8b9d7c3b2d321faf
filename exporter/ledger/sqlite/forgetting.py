"""What the embedded ledger forgets, in small steps; the caller holds the transaction."""

import sqlite3
from typing import Final

from exporter.ledger.clock import Clock
from exporter.ledger.facts import Facts, Series
from exporter.ledger.interface import Limits
from exporter.ledger.posting import plan_expiry, questions_of_expiry
from exporter.ledger.sqlite.tables import look_up, open_pushes, write

FORGET_STEP: Final = 2000
LOOK_STEP: Final = 5000
EXPIRE_STEP: Final = 200

# Those too old, and those that a clock gone wrong put too far ahead.
_FORGET: Final = """
    DELETE FROM identity WHERE receipt IN (
        SELECT receipt FROM (SELECT receipt, seen_at FROM identity ORDER BY receipt LIMIT ?)
        WHERE abs(? - seen_at) > ?)"""
_SELECT_IDLE: Final = """
    SELECT identity FROM open_push
    WHERE identity > ? AND identity <= ? AND abs(? - heard_at_ms) > ?
    ORDER BY identity LIMIT ?"""
_SELECT_STEP: Final = """
    SELECT identity FROM open_push WHERE identity > ? ORDER BY identity LIMIT 1 OFFSET ?"""
_FIRST: Final = b""
_LAST: Final = b"\xff" * 17  # an identity has 16 bytes


class Forgetting:
    """The round through the open pushes, and what is forgotten on the way.

    To find pushes gone silent without an index on that, which would cost each push as much
    as it saves: a few thousand are looked at each second, in turns.  So an idle push is found
    a minute later where there are 300,000.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._looked_at = _FIRST

    def step(self, connection: sqlite3.Connection, now: float) -> bool:
        """Forget a step's worth of old identities and idle pushes; return if more may be due."""
        if not _read_clock(connection, now).is_trusted:
            return False
        limits = self._limits
        parameters = (FORGET_STEP, now, limits.dedupe_seconds)
        more = connection.execute(_FORGET, parameters).rowcount == FORGET_STEP
        if limits.push_idle_seconds:
            more = self._expire(connection, now) or more
        return more

    def _expire(self, connection: sqlite3.Connection, now: float) -> bool:
        """Close the next idle pushes, of which nothing was heard for too long."""
        limits = self._limits
        step = connection.execute(_SELECT_STEP, (self._looked_at, LOOK_STEP)).fetchone()
        end = step[0] if step else _LAST
        parameters = (self._looked_at, end, now * 1000, limits.silence_ms, EXPIRE_STEP)
        idle = [identity for (identity,) in connection.execute(_SELECT_IDLE, parameters)]
        if idle:
            pushes = open_pushes(connection, set(idle))
            known: set[Series] = set()
            room = look_up(connection, questions_of_expiry(pushes.values()), limits, known)
            facts = Facts(pushes=pushes, series=known, series_room=room)
            write(connection, plan_expiry(idle, facts, limits, now))
        if len(idle) == EXPIRE_STEP:
            self._looked_at = idle[-1]
            return True
        self._looked_at = end if step else _FIRST
        return False


def _read_clock(connection: sqlite3.Connection, now: float) -> Clock:
    """Return the ledger's clock after reading ``now``; write what is new of it."""
    before = Clock(*connection.execute("SELECT read_at, doubted_for FROM clock").fetchone())
    clock = before.after(now)
    if clock != before:
        connection.execute("UPDATE clock SET read_at = ?, doubted_for = ?", clock)
    return clock
