"""Deliveries in the shared ledger, in SQL; the caller holds the transaction."""

from collections.abc import Sequence
from typing import Final

from exporter.ledger.deliveries import CLASSES, class_of, condition_of
from exporter.ledger.interface import DELIVERIES_KEPT, Delivery
from exporter.ledger.postgres.connection import Connection, Cursor, columns

_COLUMNS: Final = Delivery._fields[:-1]  # attempts are counted by the reader
_TYPES: Final = {
    "received_at": "float8",
    "delay_seconds": "float8",
    "expires_in_seconds": "float8",
    "identity": "bytea",
}
_ARRAYS: Final = ", ".join(f"%s::{_TYPES.get(name, 'text')}[]" for name in _COLUMNS)
_NAMES: Final = ", ".join(_COLUMNS)
_INSERT: Final = (
    f"INSERT INTO css_exporter.delivery ({_NAMES})"  # noqa: S608 - our own names
    f" SELECT * FROM unnest({_ARRAYS})"
)
_SELECT: Final = f"SELECT {_NAMES} FROM css_exporter.delivery ORDER BY id"  # noqa: S608 - as above
# By number, not by time: the clocks of replicas differ.  What another is deleting, it deletes.
_FORGET: Final = {
    name: f"""
        DELETE FROM css_exporter.delivery WHERE id IN (
            SELECT id FROM css_exporter.delivery WHERE {condition_of(name)}
            ORDER BY id DESC OFFSET %s FOR UPDATE SKIP LOCKED)"""  # noqa: S608 - our own words
    for name in CLASSES
}


def write(connection: Connection, deliveries: Sequence[Delivery]) -> None:
    """Write deliveries, oldest first, and delete those that are too many."""
    if not deliveries:
        return
    connection.execute(_INSERT, columns(delivery[:-1] for delivery in deliveries))
    for name in sorted(set(map(class_of, deliveries))):
        connection.execute(_FORGET[name], (DELIVERIES_KEPT,))


def ask_for_deliveries(connection: Connection) -> Cursor:
    """Ask for the fields of all deliveries but ``attempts``, oldest first."""
    return connection.execute(_SELECT)
