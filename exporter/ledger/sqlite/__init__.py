"""The embedded ledger: one SQLite file in WAL mode, shared by the processes of a machine.

``synchronous=FULL``: a commit returns when it is on the disk.  One thread of each process
writes (``commits``); between processes the file lock takes turns (``files``).
"""

import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import orjson
import structlog

from exporter.ledger.commits import DurableLedger
from exporter.ledger.interface import (
    Cell,
    Delivery,
    LedgerRefused,
    LedgerUnavailable,
    Limits,
    Receipt,
    Snapshot,
)
from exporter.ledger.posting import Posting, plan, plan_expiry, questions
from exporter.ledger.sqlite import deliveries, schema, tables
from exporter.ledger.sqlite.files import FileLock, inode
from exporter.metrics.families import Increment

log = structlog.get_logger()

_BUSY_SECONDS = 4.0
"""How long to wait for a foreign program (a backup, a shell) that holds SQLite's own lock."""

_START_SECONDS = 15.0

_PASSING: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
"""Errors of a whole ledger whose cause can go away."""


_TO_WRITE: Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA fullfsync = ON",  # macOS flushes the drive only so
    "PRAGMA cache_size = -16000",
)


def connect(path: Path, *pragmas: str) -> sqlite3.Connection:
    """Open a ledger's file and refuse an unusable one; to write, the caller holds the lock."""
    if inode(path) is None:
        raise LedgerRefused(f"{path} is gone")
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",  # never make one: see schema
        uri=True,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=512,
    )
    try:
        schema.refuse_unusable(connection, path)
        for pragma in pragmas or _TO_WRITE:
            connection.execute(pragma)
    except BaseException:
        connection.close()
        raise
    return connection


class SqliteStore:
    """The writing side, called by the committing thread alone."""

    def __init__(self, path: Path, lock: FileLock, limits: Limits) -> None:
        self._path = path
        self._lock = lock
        self._connection: sqlite3.Connection | None = None
        self._inode: tuple[int, int] | None = None
        self._limits = limits

    def commit(
        self,
        postings: Sequence[Posting],
        tallies: Sequence[Increment],
        noted: Sequence[Delivery],
    ) -> list[Receipt]:
        """Write everything in one transaction; see ``Store``."""
        with self._transaction() as connection:
            now = time.time()
            facts = tables.answer(connection, questions(postings), self._limits)
            planned = plan(postings, tallies, facts, self._limits, now)
            tables.write(connection, planned)
            deliveries.write(connection, noted)
            if not postings and not tallies:
                tables.prove(connection, now)
            return planned.receipts

    def tend(self, now: float) -> bool:
        """Forget one step's worth; see ``Store``."""
        limits = self._limits
        with self._transaction() as connection:
            more = tables.forget(connection, now, limits.dedupe_seconds)
            if limits.push_idle_seconds:
                silence = limits.push_idle_seconds + limits.hearing_seconds
                idle, facts = tables.idle_pushes(connection, now - silence)
                if idle:
                    tables.write(connection, plan_expiry(idle, facts, limits, now))
                more = more or len(idle) == tables.EXPIRE_STEP
            return more

    def close(self) -> None:
        """Close the connection; the last one of all processes checkpoints, under the lock."""
        if self._connection is not None:
            # Without the lock it stays open, for the end of the process.
            with suppress(OSError), self._lock.within(_BUSY_SECONDS):
                self._disconnect()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._lock, self._undone_on_error():
                connection = self._connected()
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
        except (sqlite3.Error, OSError, LedgerRefused) as error:
            raise unavailable(error) from error

    @contextmanager
    def _undone_on_error(self) -> Iterator[None]:
        """Forget a failed transaction, and its connection, whose state nobody knows."""
        try:
            yield
        except BaseException:
            if inode(self._path) == self._inode:
                self._disconnect()
            raise

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = connect(self._path)
            self._inode = inode(self._path)
        elif inode(self._path) != self._inode:
            # Writing on would count into a file without a name, lost at the next start.
            raise LedgerRefused(f"{self._path} was removed or replaced while in use")
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            with suppress(sqlite3.Error):
                connection.close()  # rolls back what is open


class SqliteReader:
    """The reading side: one connection, for any thread, that never writes."""

    def __init__(self, path: Path, lock: FileLock) -> None:
        self._path = path
        self._file_lock = lock
        self._lock = threading.Lock()
        self._kept: list[sqlite3.Connection] = []
        self._connection: sqlite3.Connection | None = None
        self._inode: tuple[int, int] | None = None

    def snapshot(self) -> Snapshot:
        """Return all that is committed; see ``Ledger.snapshot``."""
        with self._reading() as connection:
            cells = [
                Cell(family, tuple(orjson.loads(labels)), cell, value, created_at)
                for family, labels, cell, value, created_at in connection.execute(
                    "SELECT family, labels, cell, value, created_at FROM cell"
                )
            ]
            (oldest,) = connection.execute("SELECT min(began_at) FROM open_push").fetchone()
            return Snapshot(cells, oldest)

    def deliveries(self) -> list[Delivery]:
        """Return the committed deliveries, oldest first."""
        with self._reading() as connection:
            return deliveries.read(connection)

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._disconnect()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                connection = self._connected()
                connection.execute("BEGIN")
                try:
                    yield connection
                finally:
                    connection.execute("ROLLBACK")
            except (sqlite3.Error, OSError, LedgerRefused) as error:
                self._disconnect()
                raise unavailable(error) from error

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None or inode(self._path) != self._inode:
            self._disconnect()
            # Without the lock: a connection that never writes only reads here.
            self._connection = connect(self._path, "PRAGMA query_only = ON")
            self._inode = inode(self._path)
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is None:
            return
        connection, self._connection = self._connection, None
        try:
            with self._file_lock.within(_BUSY_SECONDS), suppress(sqlite3.Error):
                connection.close()
        except OSError:
            # Closing the last connection checkpoints, which only the lock allows.
            self._kept.append(connection)


class SqliteLedger(DurableLedger):
    """A ``Ledger`` in one file."""

    def __init__(self, path: Path, limits: Limits, *, make: bool = True) -> None:
        """Open the ledger at ``path``, and make it if there is none.

        Raises ``LedgerRefused`` or ``OSError``; not with ``make=False``, which expects it to
        be there and else is unavailable until it is.
        """
        self._lock = FileLock(Path(f"{path}.lock"))
        if make:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._lock.within(_START_SECONDS):
                _make_or_try(path)
        super().__init__(SqliteStore(path, self._lock, limits), SqliteReader(path, self._lock))


def _make_or_try(path: Path) -> None:
    """Make a ledger if there is none; refuse an unusable one, recover after a crash."""
    try:
        if schema.create_if_missing(path):
            log.info("ledger.created", path=str(path))
        connect(path).close()
    except sqlite3.Error as error:
        if path.is_file() and error.sqlite_errorcode & 0xFF in _PASSING:
            # Not a reason to stay away: the store tells it, and recovers by itself.
            log.warning("ledger.unavailable", reason=str(unavailable(error)))
            return
        raise LedgerRefused(f"{path} cannot be opened: {unavailable(error)}") from error


def unavailable(error: Exception) -> LedgerUnavailable:
    """Return what to tell of an error of the file or of SQLite."""
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    return LedgerUnavailable(f"{error} ({name})")
