"""Where counts live: one contract (``interface``), and a store for each size of operation.

    record -> commits (the queue that shares a commit) -> sqlite | postgres
    snapshot <- the same store, read

``memory`` is the oracle of the tests.
"""

from pathlib import Path

from exporter.ledger.interface import (
    DELIVERIES_KEPT,
    REFUSED,
    Cell,
    Delivery,
    Ledger,
    LedgerRefused,
    LedgerUnavailable,
    Limits,
    Outcome,
    Receipt,
    Snapshot,
)
from exporter.ledger.sqlite import SqliteLedger

__all__ = [
    "DELIVERIES_KEPT",
    "REFUSED",
    "Cell",
    "Delivery",
    "Ledger",
    "LedgerRefused",
    "LedgerUnavailable",
    "Limits",
    "Outcome",
    "Receipt",
    "Snapshot",
    "open_ledger",
]


def open_ledger(url: str, limits: Limits) -> Ledger:
    """Open the ledger at a URL (``sqlite:///path``), making it if there is none.

    Raises ``LedgerRefused`` for one that must not be used, ``OSError`` if its directory
    cannot be written.
    """
    scheme, _, path = url.partition("://")
    if scheme == "sqlite" and path.startswith("/"):
        return SqliteLedger(Path(path[1:]), limits)
    raise LedgerRefused(f"no ledger of the kind {scheme!r}; use sqlite:///path")
