"""The shared ledger: PostgreSQL, for any number of replicas.

One thread of each process writes (``commits``), through one connection; scrapes read through
another.  A server that is away does not stop the start: callbacks are answered 503 until it
is there.  A commit whose answer was lost is not guessed about: the caller hears that the
ledger is unavailable, and the redelivery is recognised by its identity, or is new.
"""

import threading
import time
from collections.abc import Sequence

import orjson
import structlog

from exporter.ledger.commits import DurableLedger
from exporter.ledger.interface import Cell, Delivery, LedgerUnavailable, Limits, Receipt, Snapshot
from exporter.ledger.postgres import deliveries, tables
from exporter.ledger.postgres.connection import (
    LIMIT_TRANSACTION,
    Connection,
    Session,
    parameters_of,
)
from exporter.ledger.postgres.forgetting import forget
from exporter.ledger.postgres.schema import prepare
from exporter.ledger.posting import Plan, Posting, Source, plan
from exporter.metrics.catalogue import BY_NAME
from exporter.metrics.families import Increment

__all__ = ["PostgresLedger", "parameters_of"]

_SELECT_CELLS = """
    SELECT min(family), min(labels), min(cell), sum(value), max(value), min(created_at)
    FROM css_exporter.cell GROUP BY key"""

log = structlog.get_logger()


class PostgresStore:
    """The writing side, called by the committing thread alone."""

    def __init__(self, url: str, limits: Limits) -> None:
        self._limits = limits
        self._session = Session(url, self._prepare)
        self._admitted: set[Source] = set()

    def open(self) -> None:
        """Connect and make the tables.  Raises ``LedgerRefused``, ``LedgerUnavailable``."""
        self._session.open()

    def commit(
        self,
        postings: Sequence[Posting],
        tallies: Sequence[Increment],
        noted: Sequence[Delivery],
    ) -> list[Receipt]:
        """Write everything in one transaction; see ``Store``."""

        def transaction(connection: Connection) -> Plan:
            now = time.time()
            with connection.together() as pipeline:
                found = tables.answer(connection, pipeline, postings, self._limits, self._admitted)
                planned = plan(postings, tallies, found.facts, self._limits, now)
                tables.write(connection, planned, found.stripe)
                deliveries.write(connection, noted)
                if not postings and not tallies:
                    tables.prove(connection, now)
                connection.commit_now()
            # Admitted sources never change: there is no need to ask for them again.
            self._admitted = found.facts.sources
            return planned

        return self._session.run(transaction).receipts

    def tend(self, now: float) -> bool:
        """Forget one step's worth; see ``Store``."""
        return self._session.run(lambda connection: forget(connection, self._limits, now))

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def _prepare(self, connection: Connection) -> None:
        prepare(connection)
        self._admitted = set()  # it may be another database


class PostgresReader:
    """The reading side: one connection, for any thread."""

    def __init__(self, url: str) -> None:
        self._lock = threading.Lock()
        self._session = Session(url, prepare)

    def snapshot(self) -> Snapshot:
        """Return all that is committed; see ``Ledger.snapshot``."""
        with self._lock:
            return self._session.run(_snapshot)

    def deliveries(self) -> list[Delivery]:
        """Return the committed deliveries, oldest first."""
        with self._lock:
            return self._session.run(_deliveries)

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._session.close()


class PostgresLedger(DurableLedger):
    """A ``Ledger`` in a PostgreSQL database."""

    def __init__(self, url: str, limits: Limits) -> None:
        """Open or make the ledger.  Raises ``LedgerRefused``, but not if the server is away."""
        store = PostgresStore(url, limits)
        try:
            store.open()
        except LedgerUnavailable as error:
            log.warning("ledger.unavailable", reason=str(error))
        super().__init__(store, PostgresReader(url))


def _snapshot(connection: Connection) -> Snapshot:
    with connection.together():
        _begin_reading(connection)
        numbers = connection.execute(_SELECT_CELLS)
        oldest = connection.execute("SELECT min(began_at) FROM css_exporter.open_push")
        connection.commit_now()
    cells = [
        Cell(
            family,
            tuple(orjson.loads(labels)),
            cell,
            int(largest if BY_NAME[family].latest else added),
            created_at,
        )
        for family, labels, cell, added, largest, created_at in numbers
        if family in BY_NAME
    ]
    row = oldest.fetchone()
    return Snapshot(cells, row[0] if row else None)


def _deliveries(connection: Connection) -> list[Delivery]:
    with connection.together():
        _begin_reading(connection)
        found = deliveries.read(connection)
        connection.commit_now()
    return deliveries.told_by(found)


def _begin_reading(connection: Connection) -> None:
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    connection.execute(LIMIT_TRANSACTION)
