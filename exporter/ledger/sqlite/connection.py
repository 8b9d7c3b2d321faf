"""Connections to a ledger's file, and what their errors mean."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from exporter.ledger.interface import LedgerUnavailable, UnusableLedger
from exporter.ledger.sqlite.files import inode
from exporter.ledger.sqlite.schema import refuse_unusable, upgrade

BUSY_SECONDS: Final = 4.0
"""How long to wait for a foreign program (a backup, a shell) that holds SQLite's own lock."""

PASSING: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
"""Errors of a whole ledger whose cause can go away."""

_TO_WRITE: Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA fullfsync = ON",  # macOS flushes the drive only so
    "PRAGMA cache_size = -16000",
    "PRAGMA wal_autocheckpoint = 4000",  # pages, 16 MB: many are written again before that
)


def connect(path: Path, *pragmas: str, old: bool = False) -> sqlite3.Connection:
    """Open a ledger's file and refuse an unusable one; to write, the caller holds the lock.

    One of an older version is unusable too, unless ``old`` ones are wanted.
    """
    if inode(path) is None:
        raise UnusableLedger(f"{path} is gone")
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",  # never make a file: see schema
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=512,
    )
    try:
        refuse_unusable(connection, path, old=old)
        for pragma in pragmas or _TO_WRITE:
            connection.execute(pragma)
    except BaseException:
        connection.close()
        raise
    return connection


def prepare(path: Path) -> None:
    """Bring the ledger of an earlier version, and its gauges, up to date; under the lock."""
    with closing(connect(path, old=True)) as connection:
        upgrade(connection)


def unavailable(error: Exception) -> LedgerUnavailable:
    """Return what an error of the file or of SQLite means to those who wait."""
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    return LedgerUnavailable(f"{error} ({name})")
