"""What only one may do at a time, in the embedded ledger; the caller holds the transaction."""

import sqlite3
from typing import Final

from exporter.ledger.changes import LONGEST_LEASE

# One that ends too far ahead was made by a clock gone wrong.
_LEASE: Final = """
    INSERT INTO lease VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE
    SET holder = excluded.holder, until = excluded.until
    WHERE lease.holder = excluded.holder OR lease.until NOT BETWEEN ? AND ?"""


def lease(
    connection: sqlite3.Connection, name: str, holder: str, now: float, seconds: float
) -> bool:
    """Let a holder have a name to itself for so long, if nobody else has it by now."""
    parameters = (name, holder, now + seconds, now, now + LONGEST_LEASE)
    return connection.execute(_LEASE, parameters).rowcount == 1
