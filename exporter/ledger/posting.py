"""What one transaction of the embedded ledger does, in SQL.

Statements act on the tables of ``schema``; the caller holds the transaction.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final

import orjson

from exporter import catalogue
from exporter.entries import Entry
from exporter.families import Increment
from exporter.ledger.commits import Posting
from exporter.ledger.interface import Limits, Outcome, Receipt
from exporter.vocabulary import OTHER, UNKNOWN

Labels = tuple[str, ...]

FORGET_STEP: Final = 2000
EXPIRE_STEP: Final = 200

_ADD: Final = """
    INSERT INTO cell (family, labels, cell, value, created_at) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET value = value + excluded.value"""
_RAISE: Final = """
    INSERT INTO cell (family, labels, cell, value, created_at) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET value = max(value, excluded.value)"""


class _Sums:
    """The increments of one transaction, summed so that each cell is written once."""

    def __init__(self) -> None:
        self._added: dict[tuple[str, Labels, str], tuple[int, float]] = {}
        self._latest: dict[tuple[str, Labels, str], tuple[int, float]] = {}

    def add(self, increments: Iterable[Increment], now: float, source: Labels = ()) -> None:
        for name, own, cell, amount in increments:
            family = catalogue.BY_NAME[name]
            key = (name, (*source, *own) if family.sourced else own, cell)
            if family.latest:
                value, created_at = self._latest.get(key, (amount, now))
                self._latest[key] = (max(value, amount), created_at)
            else:
                value, created_at = self._added.get(key, (0, now))
                self._added[key] = (value + amount, created_at)

    def write(self, connection: sqlite3.Connection) -> None:
        for statement, numbers in ((_ADD, self._added), (_RAISE, self._latest)):
            connection.executemany(
                statement,
                [
                    (family, orjson.dumps(labels).decode(), cell, *number)
                    for (family, labels, cell), number in numbers.items()
                ],
            )


class Book:
    """Posts entries; remembers which sources are admitted, which never changes."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._admitted: set[Labels] = set()
        self._admitting: set[Labels] = set()

    def keep(self) -> None:
        """Learn that the transaction was committed."""
        self._admitted |= self._admitting
        self._admitting.clear()

    def undo(self) -> None:
        """Learn that the transaction was not committed."""
        self._admitting.clear()

    def post(
        self,
        connection: sqlite3.Connection,
        postings: Sequence[Posting],
        tallies: Sequence[Increment],
        now: float,
    ) -> list[Receipt]:
        """Write postings in order, and tallies, and return a receipt for each posting."""
        sums = _Sums()
        receipts = [
            Receipt(self._post(connection, posting.entry, posting.now, sums))
            for posting in postings
        ]
        sums.add(tallies, now)
        if not postings and not tallies:
            connection.execute("UPDATE proof SET committed_at = ?", (now,))
        sums.write(connection)
        return receipts

    def _post(
        self, connection: sqlite3.Connection, entry: Entry, now: float, sums: _Sums
    ) -> Outcome:
        stream = entry.stream
        if stream and self._limits.push_idle_seconds:
            connection.execute(
                "UPDATE stream SET heard_at = ? WHERE stream_id = ? AND app_name = ?"
                " AND push_domain = ? AND heard_at < ?",
                (now, *reversed(stream), now - self._limits.hearing_seconds),
            )
        if not self._is_new(connection, entry, now):
            sums.add(entry.counts_again(), now)
            return Outcome.DUPLICATE
        source = self._labels_of(connection, entry, now, sums)
        sums.add(entry.counts_at(now), now, source)
        if entry.closes:
            self._close(connection, entry.closes, now, sums)
        if entry.opens and stream:
            if _exists(connection, "identity", entry.opens.interruption):
                return Outcome.LATE
            self._open(connection, entry, source, now, sums)
        return Outcome.ACCEPTED

    def _is_new(self, connection: sqlite3.Connection, entry: Entry, now: float) -> bool:
        inserted = connection.execute(
            "INSERT OR IGNORE INTO identity (identity, seen_at) VALUES (?, ?)",
            (entry.identity, int(now)),
        ).rowcount
        # A push may outlast the memory of its identity.
        reopened = entry.opens and _exists(connection, "open_push", entry.identity)
        return bool(inserted) and not reopened

    def _labels_of(
        self, connection: sqlite3.Connection, entry: Entry, now: float, sums: _Sums
    ) -> Labels:
        source = entry.source or (UNKNOWN, UNKNOWN)
        if source == (UNKNOWN, UNKNOWN) or source in self._admitted or source in self._admitting:
            return source
        admitted = connection.execute(
            "SELECT 1 FROM source WHERE push_domain = ? AND app_name = ?", source
        ).fetchone()
        if not admitted:
            (sources,) = connection.execute("SELECT count(*) FROM source").fetchone()
            if sources >= self._limits.max_sources:
                sums.add((catalogue.OVERFLOWED_SOURCES.add(),), now)
                return OTHER, OTHER
            connection.execute("INSERT INTO source VALUES (?, ?)", source)
            sums.add((catalogue.SOURCES.add(),), now)
        self._admitting.add(source)
        return source

    def _open(
        self,
        connection: sqlite3.Connection,
        entry: Entry,
        source: Labels,
        now: float,
        sums: _Sums,
    ) -> None:
        assert entry.stream and entry.opens  # noqa: S101, PT018 - the caller looked
        connection.execute(
            "INSERT OR IGNORE INTO stream"
            " (push_domain, app_name, stream_id, label_domain, label_app, heard_at)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (*entry.stream, *source, now),
        )
        (stream,) = connection.execute(
            "SELECT id FROM stream WHERE push_domain = ? AND app_name = ? AND stream_id = ?",
            entry.stream,
        ).fetchone()
        began_at = now if entry.occurred_at is None else entry.occurred_at
        connection.execute(
            "INSERT INTO open_push (identity, stream, origin, began_at) VALUES (?, ?, ?, ?)",
            (entry.identity, stream, entry.opens.origin, began_at),
        )
        sums.add((catalogue.OPEN_PUSHES.add(),), now)
        _settle(connection, stream, now, sums)

    def _close(
        self, connection: sqlite3.Connection, identity: bytes, now: float, sums: _Sums
    ) -> None:
        row = connection.execute(
            "SELECT stream FROM open_push WHERE identity = ?", (identity,)
        ).fetchone()
        if row:
            connection.execute("DELETE FROM open_push WHERE identity = ?", (identity,))
            sums.add((catalogue.OPEN_PUSHES.add(amount=-1),), now)
            _settle(connection, row[0], now, sums)

    def forget(self, connection: sqlite3.Connection, now: float) -> bool:
        """Forget a step's worth of old identities and idle pushes; return if more is due."""
        forgotten = connection.execute(
            "DELETE FROM identity WHERE receipt IN (SELECT receipt FROM"
            " (SELECT receipt, seen_at FROM identity ORDER BY receipt LIMIT ?)"
            " WHERE seen_at < ?)",
            (FORGET_STEP, now - self._limits.dedupe_seconds),
        ).rowcount
        expired = self._expire(connection, now) if self._limits.push_idle_seconds else 0
        return forgotten == FORGET_STEP or expired == EXPIRE_STEP

    def _expire(self, connection: sqlite3.Connection, now: float) -> int:
        sums = _Sums()
        silence = self._limits.push_idle_seconds + self._limits.hearing_seconds
        idle = connection.execute(
            "SELECT id, label_domain, label_app FROM stream WHERE heard_at < ? LIMIT ?",
            (now - silence, EXPIRE_STEP),
        ).fetchall()
        for stream, *source in idle:
            pushes = connection.execute(
                "DELETE FROM open_push WHERE stream = ?", (stream,)
            ).rowcount
            sums.add((catalogue.EXPIRED_PUSHES.add("idle", amount=pushes),), now, tuple(source))
            sums.add((catalogue.OPEN_PUSHES.add(amount=-pushes),), now)
            _settle(connection, stream, now, sums)
        sums.write(connection)
        return len(idle)


def _settle(connection: sqlite3.Connection, stream: int, now: float, sums: _Sums) -> None:
    """Give a stream the origin of its newest open push, or forget it with the last one."""
    domain, app, before = connection.execute(
        "SELECT label_domain, label_app, origin FROM stream WHERE id = ?", (stream,)
    ).fetchone()
    newest = connection.execute(
        "SELECT origin FROM open_push WHERE stream = ?"
        " ORDER BY began_at DESC, identity DESC LIMIT 1",
        (stream,),
    ).fetchone()
    after = newest[0] if newest else None
    if after != before:
        if before is not None:
            lost = catalogue.ACTIVE_STREAMS.add(before, amount=-1)
            sums.add((lost,), now, (domain, app))
        if after is not None:
            sums.add((catalogue.ACTIVE_STREAMS.add(after),), now, (domain, app))
            connection.execute("UPDATE stream SET origin = ? WHERE id = ?", (after, stream))
    if newest is None:
        connection.execute("DELETE FROM stream WHERE id = ?", (stream,))


def _exists(connection: sqlite3.Connection, table: str, identity: bytes) -> bool:
    row = connection.execute(
        f"SELECT 1 FROM {table} WHERE identity = ?",  # noqa: S608 - two names, both ours
        (identity,),
    ).fetchone()
    return row is not None
