"""Connections to a ledger's file, and what their errors mean."""

import sqlite3
from pathlib import Path
from typing import Final

from exporter.ledger.interface import LedgerUnavailable, UnusableLedger
from exporter.ledger.sqlite.files import inode
from exporter.ledger.sqlite.schema import refuse_unusable

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


def connect(path: Path, *pragmas: str) -> sqlite3.Connection:
    """Open a ledger's file and refuse an unusable one; to write, the caller holds the lock."""
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
        refuse_unusable(connection, path)
        for pragma in pragmas or _TO_WRITE:
            connection.execute(pragma)
    except BaseException:
        connection.close()
        raise
    return connection


def unavailable(error: Exception) -> LedgerUnavailable:
    """Return what an error of the file or of SQLite means to those who wait."""
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    return LedgerUnavailable(f"{error} ({name})")
