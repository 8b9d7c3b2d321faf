"""Where counts live: one contract (``interface``), and a store for each size of operation.

    submit, record -> commits    the queue before a store, and the thread that empties it
                   -> sqlite | postgres, each: its tables answer what a posting asks,
                      posting decides (pure, the same for all), its tables write the plan
    tally, note    -> waiting    what rides with a later commit
    snapshot, deliveries <- the same store's reader

    reconcile    -> the same store, with what ``reconciling`` decides

``facts`` is what a store and ``posting`` say to each other, ``pushes`` how rows of pushes
change while it decides, ``rows`` how they are written.  ``gauges`` counts rows; ``dropped`` and
``watching`` say what is shown of streams, ``history`` what is asked of them, ``searching`` asks it
in SQL.  ``clock`` says whether the time can be trusted.  ``store`` is what sqlite and postgres
bring, ``durable`` makes a ledger of it; ``memory`` is the oracle of the tests.
"""

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import cast

from exporter.ledger.changes import Changes, Online, OpenPush, Reconciled
from exporter.ledger.interface import (
    DELIVERIES_KEPT,
    REFUSED,
    Cell,
    Delivery,
    Forgotten,
    Ledger,
    LedgerUnavailable,
    Noted,
    Outcome,
    Posting,
    Receipt,
    Results,
    Settled,
    Snapshot,
    UnusableLedger,
)
from exporter.ledger.limits import Limits
from exporter.ledger.sqlite import SqliteLedger, alone, files

__all__ = [
    "DELIVERIES_KEPT",
    "REFUSED",
    "Cell",
    "Changes",
    "Delivery",
    "Forgotten",
    "Ledger",
    "LedgerUnavailable",
    "Limits",
    "Noted",
    "Online",
    "OpenPush",
    "Outcome",
    "Posting",
    "Receipt",
    "Reconciled",
    "Results",
    "Settled",
    "Snapshot",
    "UnusableLedger",
    "check_url",
    "forget_sources",
    "mark_used",
    "open_ledger",
]

_POSTGRES = ("postgresql", "postgres")


def open_ledger(url: str, limits: Limits, *, make: bool = True, guest: bool = False) -> Ledger:
    """Open the ledger at a URL (``sqlite:///path``, ``postgresql://...``), making it if need be.

    Raises ``UnusableLedger`` for one that must not be used, ``OSError`` if its directory
    cannot be written.  A server that is away does not stop the start.  With ``make=False``
    a file that is not there is never made: the ledger is unavailable until it is.  For a
    ``guest``, whose limits may be others than the exporter's, nothing is made, brought up to date
    or forgotten either.
    """
    scheme, _, path = url.partition("://")
    if scheme == "sqlite" and path.startswith("/"):
        return SqliteLedger(Path(path[1:]), limits, make=make and not guest, guest=guest)
    if scheme in _POSTGRES:
        return cast("Ledger", _postgres().PostgresLedger(url, limits, guest=guest))
    raise UnusableLedger(
        f"no ledger of the kind {scheme!r}; use sqlite:///path or"
        " postgresql://user:password@host:port/database"
    )


def forget_sources(url: str, push_domain: str, app_name: str) -> Forgotten:
    """Forget sources of a ledger that nobody uses, and give back their places.

    In both names ``*`` stands for any text.  Gone are the series of these sources, their open
    pushes and their places among ``max_sources`` and ``max_series``; packets stay remembered.
    All of it or nothing.  Raises ``UnusableLedger``, also if an exporter is running, and
    ``LedgerUnavailable``.
    """
    scheme, _, path = url.partition("://")
    if scheme in _POSTGRES:
        _postgres()
        postgres = import_module("exporter.ledger.postgres.alone")
        return cast("Forgotten", postgres.forget_sources(url, push_domain, app_name))
    return alone.forget_sources(Path(path[1:]), push_domain, app_name)


def mark_used(url: str) -> None:
    """Mark a SQLite ledger as in use until this process and its children end.

    Raises ``UnusableLedger`` while it is being copied, ``OSError``.
    """
    scheme, _, path = url.partition("://")
    if scheme != "sqlite":
        return
    try:
        files.mark_used(Path(path[1:]))
    except BlockingIOError:
        raise UnusableLedger(
            f"{path[1:]} is being copied: start the exporter on the copy when it is ready"
        ) from None


def check_url(url: str) -> None:
    """Raise ``UnusableLedger`` for the URL of a shared ledger that cannot be used; ask nobody."""
    if url.partition("://")[0] in _POSTGRES:
        _postgres().parameters_of(url)


def _postgres() -> ModuleType:
    try:
        return import_module("exporter.ledger.postgres")  # an extra
    except ImportError as error:
        raise UnusableLedger(
            f"PostgreSQL's client is not installed ({error}):"
            " pip install 'tencent-css-exporter[postgres]'"
        ) from error
