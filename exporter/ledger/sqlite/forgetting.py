"""What the embedded ledger forgets, in small steps; the caller holds the transaction."""

import math
import sqlite3
from math import ceil
from typing import Final

import orjson

from exporter.ledger.clock import Clock
from exporter.ledger.facts import Facts, Series
from exporter.ledger.history import By
from exporter.ledger.limits import Limits
from exporter.ledger.posting import plan_expiry, questions_of_expiry
from exporter.ledger.sqlite.tables import encode, find_pushes, look_up, watched_streams, write
from exporter.ledger.watching import STORED_FAMILIES, streams_with_series, unwatched

FORGET_STEP: Final = 2000
LOOK_STEP: Final = 5000
EXPIRE_STEP: Final = 200
PRUNE_STEP: Final = 500

# Those too old, and those that a clock gone wrong put too far ahead.
_FORGET: Final = """
    DELETE FROM identity WHERE receipt IN (
        SELECT receipt FROM (SELECT receipt, seen_at FROM identity ORDER BY receipt LIMIT ?)
        WHERE abs(? - seen_at) > ?)"""
_SELECT_STEP: Final = """
    SELECT push, identity, began_at_ms, heard_at_ms FROM push
    WHERE ended_at_ms IS NULL AND (began_at_ms, push) > (?, ?)
    ORDER BY began_at_ms, push LIMIT ?"""
_BEGINNING: Final = (-1, -1)
# Ended too long ago, or too far ahead by a clock gone wrong; then what is too much.
_SELECT_OLD: Final = """
    SELECT push FROM push WHERE ended_at_ms < ?
    UNION ALL SELECT push FROM push WHERE ended_at_ms > ? LIMIT ?"""
_COUNT_ENDED: Final = "SELECT count(*) FROM push WHERE ended_at_ms IS NOT NULL"
_SELECT_FIRST: Final = """
    SELECT push FROM push WHERE ended_at_ms IS NOT NULL ORDER BY ended_at_ms LIMIT ?"""
# None of them began later than this, wherever a clock gone wrong put it.
_NOTE_PRUNED: Final = """
    INSERT INTO pruned SELECT 1, max(min(max(began_at_ms, ended_at_ms), ?))
    FROM push WHERE {which}
    ON CONFLICT (id) DO UPDATE SET until_ms = max(until_ms, excluded.until_ms)"""
_KEEP_IDENTITIES: Final = """
    INSERT OR IGNORE INTO identity (identity, seen_at)
    SELECT {identity}, heard_at_ms / 1000 + 1 FROM push
    WHERE {which} AND {known} AND heard_at_ms >= ?"""
_EVENTS_OF_A_PUSH: Final = (
    ("identity", "begun_by = 'push'"),
    ("interruption", "ended_by = 'interruption'"),
)
_COUNT_SECONDS: Final = 10


class Forgetting:
    """The round through the open pushes, and what is forgotten on the way.

    To find pushes gone silent without an index on that, which would cost each push as much
    as it saves: a few thousand are looked at each second, in turns.  So an idle push is found
    a minute later where there are 300,000.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._looked_at = _BEGINNING
        self._count_at = -math.inf
        self._knows_watched = False

    def step(self, connection: sqlite3.Connection, now: float) -> bool:
        """Forget a step's worth of what is too old or too much; return if more may be due."""
        if not self._knows_watched:
            _forget_unwatched(connection, self._limits)
            self._knows_watched = True
        if not _read_clock(connection, now).is_trusted:
            return False
        limits = self._limits
        parameters = (FORGET_STEP, now, limits.dedupe_seconds)
        more = connection.execute(_FORGET, parameters).rowcount == FORGET_STEP
        more = self._prune(connection, now) or more
        if limits.push_idle_seconds:
            more = self._expire(connection, now) or more
        return more

    def _prune(self, connection: sqlite3.Connection, now: float) -> bool:
        """Delete the next ended pushes that are too old or too many."""
        kept_ms = self._limits.push_history_days * 86_400_000
        parameters = (now * 1000 - kept_ms, now * 1000 + kept_ms, PRUNE_STEP)
        old = [push for (push,) in connection.execute(_SELECT_OLD, parameters)]
        if not old and now >= self._count_at:
            (ended,) = connection.execute(_COUNT_ENDED).fetchone()
            too_many = min(ended - self._limits.push_history_rows, PRUNE_STEP)
            if too_many > 0:
                old = [push for (push,) in connection.execute(_SELECT_FIRST, (too_many,))]
            else:
                self._count_at = now + _COUNT_SECONDS
        if old:
            which = f"push IN ({', '.join(map(str, old))})"
            connection.execute(_NOTE_PRUNED.format(which=which), (ceil(now * 1000),))
            forget_pushes(connection, which, now - self._limits.dedupe_seconds)
        return bool(old)

    def _expire(self, connection: sqlite3.Connection, now: float) -> bool:
        """Close the next idle pushes, of which nothing was heard for too long."""
        limits = self._limits
        rows = connection.execute(_SELECT_STEP, (*self._looked_at, LOOK_STEP)).fetchall()
        silent = [row for row in rows if abs(now * 1000 - row[3]) > limits.silence_ms]
        idle = {identity: heard_at_ms for _, identity, _, heard_at_ms in silent[:EXPIRE_STEP]}
        if idle:
            pushes = find_pushes(connection, idle.keys())
            known: set[Series] = set()
            asked = questions_of_expiry((pushes[identity] for identity in idle), By.IDLE)
            room = look_up(connection, asked, limits, known)
            watched = set(watched_streams(connection))
            facts = Facts(pushes=pushes, series=known, series_room=room, watched=watched)
            write(connection, plan_expiry(idle, By.IDLE, facts, limits, now))
        more = len(silent) > EXPIRE_STEP
        if more:
            push, _, began_at_ms, _ = silent[EXPIRE_STEP - 1]
            self._looked_at = began_at_ms, push
        else:
            self._looked_at = (rows[-1][2], rows[-1][0]) if len(rows) == LOOK_STEP else _BEGINNING
        return more


def forget_pushes(
    connection: sqlite3.Connection, which: str, remembered_since: float, *values: str
) -> int:
    """Delete pushes and return how many; the events of those heard of since stay remembered.

    ``which`` is a condition in SQL, with ``values`` for its marks.
    """
    for identity, known in _EVENTS_OF_A_PUSH:
        statement = _KEEP_IDENTITIES.format(identity=identity, which=which, known=known)
        connection.execute(statement, (*values, remembered_since * 1000))
    return connection.execute(f"DELETE FROM push WHERE {which}", values).rowcount  # noqa: S608 - ours


def _forget_unwatched(connection: sqlite3.Connection, limits: Limits) -> None:
    """Give back the places, and delete the numbers, of streams that are watched no more."""
    remembered = watched_streams(connection)
    gone = unwatched(limits, remembered)
    connection.executemany(
        "DELETE FROM watched WHERE stream = ?", [(encode(one),) for one in gone]
    )
    cells = connection.execute(
        "SELECT family, labels FROM cell WHERE family IN (?, ?)", STORED_FAMILIES
    ).fetchall()
    kept = set(streams_with_series(limits, remembered))
    connection.executemany(
        "DELETE FROM cell WHERE family = ? AND labels = ?",
        [row for row in cells if tuple(orjson.loads(row[1])[:3]) not in kept],
    )


def _read_clock(connection: sqlite3.Connection, now: float) -> Clock:
    """Return the ledger's clock after reading ``now``; write what is new of it."""
    before = Clock(*connection.execute("SELECT read_at, doubted_for FROM clock").fetchone())
    clock = before.after(now)
    if clock != before:
        connection.execute("UPDATE clock SET read_at = ?, doubted_for = ?", clock)
    return clock
