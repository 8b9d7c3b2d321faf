"""The shared ledger: PostgreSQL, for any number of replicas.

One thread of each process writes (``commits``), through one connection; scrapes read through
another.  A server that is away does not stop the start: callbacks are answered 503 until it is
there.  If the answer to a commit is lost, nobody guesses whether it took place: the callbacks are
answered that the ledger is unavailable, and their redeliveries are recognised by identity, or are
new.  Laid out like ``sqlite``:

    store        writes: a transaction for each commit
    reader       reads: snapshots and deliveries
    tables       what a posting asks, and what was planned, in SQL
    admission    which sources, series and watched streams are in it, and may come
    deliveries   the same for deliveries
    states       which streams are active, dropped, watched
    forgetting   what is too old, step by step
    numbers      the numbers among them: keys, rows, sums
    recount      gauges that differ from the rows
    schema       the tables, their versions, and which databases are refused
    connection   a session that connects when needed, and what its errors mean
    copy_ledger  moving the embedded ledger here
    alone        what is done while no replica uses it
"""

import structlog

from exporter.ledger.durable import DurableLedger
from exporter.ledger.interface import LedgerUnavailable
from exporter.ledger.limits import Limits
from exporter.ledger.postgres.connection import parameters_of
from exporter.ledger.postgres.reader import PostgresReader
from exporter.ledger.postgres.schema import expect, prepare
from exporter.ledger.postgres.store import PostgresStore

__all__ = ["PostgresLedger", "parameters_of"]

log = structlog.get_logger()


class PostgresLedger(DurableLedger):
    """A ``Ledger`` in a PostgreSQL database."""

    def __init__(self, url: str, limits: Limits, *, guest: bool = False) -> None:
        """Open or make the ledger.  Raises ``UnusableLedger``, but not if the server is away."""
        look = expect if guest else prepare
        store = PostgresStore(url, limits, look)
        try:
            store.open()
        except LedgerUnavailable as error:
            log.warning("ledger.unavailable", reason=str(error))
        super().__init__(store, PostgresReader(url, limits, look), limits, tend=not guest)
