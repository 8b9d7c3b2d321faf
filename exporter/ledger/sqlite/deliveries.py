"""Deliveries in the embedded ledger, in SQL; the caller holds the transaction."""

import sqlite3
from collections.abc import Sequence
from typing import Final

from exporter.ledger.deliveries import CLASSES, class_of, condition_of
from exporter.ledger.interface import DELIVERIES_KEPT, Delivery

_COLUMNS: Final = Delivery._fields[:-1]  # attempts are counted by the reader
_INSERT: Final = (
    f"INSERT INTO delivery ({', '.join(_COLUMNS)})"  # noqa: S608 - our own names
    f" VALUES ({', '.join('?' * len(_COLUMNS))})"
)
_SELECT: Final = f"SELECT {', '.join(_COLUMNS)} FROM delivery ORDER BY id"  # noqa: S608 - as above
# By order of commits, not by time: a clock that is set back must not hide what comes now.
_FORGET: Final = {
    name: f"""
        DELETE FROM delivery WHERE {condition_of(name)} AND id <= (
            SELECT id FROM delivery WHERE {condition_of(name)} ORDER BY id DESC
            LIMIT 1 OFFSET ?)"""  # noqa: S608 - our own words
    for name in CLASSES
}


def write(connection: sqlite3.Connection, deliveries: Sequence[Delivery]) -> None:
    """Write deliveries, oldest first, and delete those that are too many."""
    if not deliveries:
        return
    connection.executemany(_INSERT, [delivery[:-1] for delivery in deliveries])
    for name in sorted(set(map(class_of, deliveries))):
        connection.execute(_FORGET[name], (DELIVERIES_KEPT,))


def read(connection: sqlite3.Connection) -> list[Delivery]:
    """Return all deliveries, oldest first, their attempts not yet counted."""
    return [Delivery(*row) for row in connection.execute(_SELECT)]
