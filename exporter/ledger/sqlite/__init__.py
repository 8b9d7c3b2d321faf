"""The embedded ledger: one SQLite file in WAL mode, shared by the processes of a machine.

``synchronous=FULL``: a commit returns when it is on the disk.  One thread of each process
writes (``commits``); between processes the file lock takes turns (``files``).  Laid out like
``postgres``:

    store        writes: a transaction for each commit
    reader       reads: snapshots and deliveries
    tables       what a posting asks, and what was planned, in SQL
    deliveries   the same for deliveries
    states       which streams are active, dropped, watched
    forgetting   what is too old, step by step
    recount      gauges that differ from the rows
    schema       the tables, their versions, and which files are refused
    connection   opening the file, and what its errors mean
    files        the lock between processes, safe creation
    alone        what is done while no exporter uses it
"""

import sqlite3
from pathlib import Path
from typing import Final

import structlog

from exporter.ledger.durable import DurableLedger
from exporter.ledger.interface import UnusableLedger
from exporter.ledger.limits import Limits
from exporter.ledger.sqlite.connection import PASSING, prepare, unavailable
from exporter.ledger.sqlite.files import FileLock
from exporter.ledger.sqlite.reader import SqliteReader
from exporter.ledger.sqlite.schema import create_if_missing
from exporter.ledger.sqlite.store import SqliteStore

_START_SECONDS: Final = 15.0

log = structlog.get_logger()


class SqliteLedger(DurableLedger):
    """A ``Ledger`` in one file."""

    def __init__(
        self, path: Path, limits: Limits, *, make: bool = True, guest: bool = False
    ) -> None:
        """Open the ledger at ``path``, and make it if there is none; see ``open_ledger``.

        Raises ``UnusableLedger`` or ``OSError``; not with ``make=False``, which expects it to
        be there and else is unavailable until it is.
        """
        self._lock = FileLock(Path(f"{path}.lock"))
        if make:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._lock.within(_START_SECONDS):
                _make_or_try(path)
        store = SqliteStore(path, self._lock, limits)
        super().__init__(store, SqliteReader(path, self._lock, limits), limits, tend=not guest)


def _make_or_try(path: Path) -> None:
    """Make a ledger if there is none; refuse an unusable one, recover after a crash."""
    try:
        if create_if_missing(path):
            log.info("ledger.created", path=str(path))
        prepare(path)
    except sqlite3.Error as error:
        if path.is_file() and error.sqlite_errorcode & 0xFF in PASSING:
            # No reason to stay away: the store recovers by itself.
            log.warning("ledger.unavailable", reason=str(unavailable(error)))
            return
        raise UnusableLedger(f"{path} cannot be opened: {unavailable(error)}") from error
