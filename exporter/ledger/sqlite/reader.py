"""The embedded ledger's reading side."""

import sqlite3
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import orjson

from exporter.ledger import dropped, watching
from exporter.ledger.changes import OpenPush
from exporter.ledger.history import KnownPushes, StreamHistory, StreamPage, StreamQuery
from exporter.ledger.interface import Cell, Delivery, Snapshot, UnusableLedger
from exporter.ledger.limits import Limits
from exporter.ledger.sqlite import history, states
from exporter.ledger.sqlite.connection import BUSY_SECONDS, connect, unavailable
from exporter.ledger.sqlite.deliveries import read as read_deliveries
from exporter.ledger.sqlite.files import FileLock, inode
from exporter.ledger.sqlite.tables import watched_streams
from exporter.protocol.vocabulary import Stream


class SqliteReader:
    """The reading side: one connection, for any thread, that never writes."""

    def __init__(self, path: Path, lock: FileLock, limits: Limits) -> None:
        self._path = path
        self._limits = limits
        self._file_lock = lock
        self._lock = threading.Lock()
        self._kept: list[sqlite3.Connection] = []
        self._connection: sqlite3.Connection | None = None
        self._inode: tuple[int, int] | None = None

    def snapshot(self) -> Snapshot:
        """Return all that is committed; see ``Ledger.snapshot``."""
        with self._reading() as connection:
            cells = _cells(connection)
            streams = watching.streams_with_series(self._limits, watched_streams(connection))
            cells = watching.watched_cells(cells, streams, states.active_of(connection, streams))
            rows = states.dropped(connection, self._limits, time.time())
            cells += dropped.dropped_cells(rows, cells)
            (oldest,) = connection.execute(
                "SELECT min(began_at_ms) FROM push WHERE ended_at_ms IS NULL"
            ).fetchone()
            return Snapshot(cells, None if oldest is None else oldest / 1000)

    def deliveries(self) -> list[Delivery]:
        """Return the committed deliveries, oldest first."""
        with self._reading() as connection:
            return read_deliveries(connection)

    def open_pushes(self) -> list[OpenPush]:
        """Return all open pushes."""
        with self._reading() as connection:
            return states.open_pushes(connection)

    def streams(self, query: StreamQuery) -> StreamPage:
        """Return a page of streams; see ``Ledger.streams``."""
        with self._reading() as connection:
            return history.streams(connection, self._limits, time.time(), query)

    def pushes_of(self, stream: Stream, most: int) -> StreamHistory:
        """Return the pushes of a stream; see ``Ledger.pushes_of``."""
        with self._reading() as connection:
            return history.pushes_of(connection, self._limits, time.time(), stream, most)

    def known_pushes(self, streams: Collection[Stream]) -> KnownPushes:
        """Return all pushes kept of some streams; see ``Ledger.known_pushes``."""
        with self._reading() as connection:
            return history.known_pushes(connection, streams)

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
            except (sqlite3.Error, OSError, UnusableLedger) as error:
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
            with self._file_lock.within(BUSY_SECONDS), suppress(sqlite3.Error):
                connection.close()
        except OSError:
            # Closing the last connection checkpoints, which only the lock allows.
            self._kept.append(connection)


def _cells(connection: sqlite3.Connection) -> list[Cell]:
    """Return all cells; a column at a time, for there may be tens of thousands."""
    found = connection.execute("SELECT family, labels, cell, value, created_at FROM cell")
    rows = found.fetchall()
    if not rows:
        return []
    families, texts, *numbers = zip(*rows, strict=True)
    labels = map(tuple, orjson.loads(f"[{','.join(texts)}]"))
    return list(map(Cell._make, zip(families, labels, *numbers, strict=True)))
