"""Where counts live: one contract (``interface``), and a store for each size of operation.

    record -> commits    the queue that shares a commit
           -> sqlite | postgres, each: its tables answer what a posting asks,
              posting decides (pure, the same for all), its tables write the plan
    snapshot, deliveries <- the same store, read

``memory`` is the oracle of the tests.
"""

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import cast

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
    "check_url",
    "open_ledger",
]

_POSTGRES = ("postgresql", "postgres")


def open_ledger(url: str, limits: Limits, *, make: bool = True) -> Ledger:
    """Open the ledger at a URL (``sqlite:///path``, ``postgresql://...``), making it if need be.

    Raises ``LedgerRefused`` for one that must not be used, ``OSError`` if its directory
    cannot be written.  That a server is away is no reason not to start.  With ``make=False``
    a file that is not there is never made: the ledger is unavailable until it is.
    """
    scheme, _, path = url.partition("://")
    if scheme == "sqlite" and path.startswith("/"):
        return SqliteLedger(Path(path[1:]), limits, make=make)
    if scheme in _POSTGRES:
        return cast("Ledger", _postgres().PostgresLedger(url, limits))
    raise LedgerRefused(
        f"no ledger of the kind {scheme!r}; use sqlite:///path or"
        " postgresql://user:password@host:port/database"
    )


def check_url(url: str) -> None:
    """Raise ``LedgerRefused`` for the URL of a shared ledger that cannot be used; ask nobody."""
    if url.partition("://")[0] in _POSTGRES:
        _postgres().parameters_of(url)


def _postgres() -> ModuleType:
    try:
        return import_module("exporter.ledger.postgres")  # an extra
    except ImportError as error:
        raise LedgerRefused(
            f"PostgreSQL's client is not installed ({error}):"
            " pip install 'tencent-css-exporter[postgres]'"
        ) from error
