"""The embedded ledger's writing side."""

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from exporter.ledger import reconciling
from exporter.ledger.changes import Changes, Reconciled
from exporter.ledger.interface import Delivery, Posting, Receipt, UnusableLedger
from exporter.ledger.limits import Limits
from exporter.ledger.posting import plan, questions
from exporter.ledger.sqlite import tables
from exporter.ledger.sqlite.connection import BUSY_SECONDS, connect, unavailable
from exporter.ledger.sqlite.deliveries import write as write_deliveries
from exporter.ledger.sqlite.files import FileLock, inode
from exporter.ledger.sqlite.forgetting import Forgetting
from exporter.ledger.sqlite.leases import lease
from exporter.metrics.families import Increment


class SqliteStore:
    """The writing side, called by the committing thread alone."""

    def __init__(
        self,
        path: Path,
        lock: FileLock,
        limits: Limits,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._lock = lock
        self._connection: sqlite3.Connection | None = None
        self._inode: tuple[int, int] | None = None
        self._limits = limits
        self._clock = clock
        self._forgetting = Forgetting(limits)
        self._known = tables.Admitted(set(), set())  # what is never forgotten

    def commit(
        self,
        postings: Sequence[Posting],
        tallies: Sequence[Increment],
        deliveries: Sequence[Delivery],
    ) -> Sequence[Receipt]:
        """Write everything in one transaction; see ``Store``."""
        with self._transaction() as connection:
            now = self._clock()
            asked = questions(postings, self._limits)
            facts = tables.answer(connection, asked, self._limits, self._known)
            planned = plan(postings, tallies, facts, self._limits, now)
            tables.write(connection, planned)
            write_deliveries(connection, deliveries)
            if not postings and not tallies:
                tables.prove(connection, now)
        self._known.add(planned)
        return planned.receipts

    def reconcile(self, changes: Changes) -> Reconciled:
        """Open and close pushes in one transaction; see ``Store``."""
        with self._transaction() as connection:
            asked = reconciling.questions(changes, self._limits)
            facts = tables.answer(connection, asked, self._limits, self._known)
            planned, done = reconciling.plan(changes, facts, self._limits, self._clock())
            tables.write(connection, planned)
        self._known.add(planned)
        return done

    def lease(self, name: str, holder: str, seconds: float) -> bool:
        """Return whether a holder has a name to itself; see ``Ledger``."""
        with self._transaction() as connection:
            return lease(connection, name, holder, self._clock(), seconds)

    def tend(self) -> bool:
        """Forget one step's worth; see ``Store``."""
        with self._transaction() as connection:
            return self._forgetting.step(connection, self._clock())

    def close(self) -> None:
        """Close the connection; the last one of all processes checkpoints, under the lock."""
        if self._connection is not None:
            # Without the lock it stays open, for the end of the process.
            with suppress(OSError), self._lock.within(BUSY_SECONDS):
                self._disconnect()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._lock, self._undone_on_error():
                connection = self._connected()
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
        except (sqlite3.Error, OSError, UnusableLedger) as error:
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
            self._known = tables.Admitted(set(), tables.stored_series(self._connection))
        elif (now := inode(self._path)) != self._inode:
            # Writing on would count into a file without a name, lost at the next start.
            how = "is gone" if now is None else "was replaced while in use"
            raise UnusableLedger(f"{self._path} {how}")
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            with suppress(sqlite3.Error):
                connection.close()  # rolls back what is open
