"""The shared ledger's writing side."""

import time
from collections.abc import Sequence

from exporter.ledger.interface import Delivery, Limits, Posting, Receipt
from exporter.ledger.postgres import tables
from exporter.ledger.postgres.connection import Connection, Session
from exporter.ledger.postgres.deliveries import write as write_deliveries
from exporter.ledger.postgres.forgetting import forget
from exporter.ledger.postgres.schema import prepare
from exporter.ledger.posting import Plan, Source, plan
from exporter.metrics.families import Increment


class PostgresStore:
    """The writing side, called by the committing thread alone."""

    def __init__(self, url: str, limits: Limits) -> None:
        self._limits = limits
        self._session = Session(url, self._prepare)
        self._admitted: set[Source] = set()

    def open(self) -> None:
        """Connect and make the tables.  Raises ``UnusableLedger``, ``LedgerUnavailable``."""
        self._session.open()

    def commit(
        self,
        postings: Sequence[Posting],
        tallies: Sequence[Increment],
        deliveries: Sequence[Delivery],
    ) -> Sequence[Receipt]:
        """Write everything in one transaction; see ``Store``."""

        def transaction(connection: Connection) -> Plan:
            now = time.time()
            with connection.together() as pipeline:
                found = tables.answer(connection, pipeline, postings, self._limits, self._admitted)
                planned = plan(postings, tallies, found.facts, self._limits, now)
                tables.write(connection, planned, found.stripe)
                write_deliveries(connection, deliveries)
                if not postings and not tallies:
                    tables.prove(connection, now)
                connection.commit_now()
            # Admitted sources never change: there is no need to ask for them again.
            self._admitted |= found.facts.sources | planned.sources
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
