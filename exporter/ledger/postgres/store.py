"""The shared ledger's writing side."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import structlog

from exporter.ledger import reconciling
from exporter.ledger.changes import Changes, Reconciled
from exporter.ledger.interface import Delivery, LedgerUnavailable, Posting, Receipt
from exporter.ledger.limits import Limits
from exporter.ledger.postgres import tables
from exporter.ledger.postgres.admission import Admitted
from exporter.ledger.postgres.connection import Connection, Session
from exporter.ledger.postgres.deliveries import write as write_deliveries
from exporter.ledger.postgres.forgetting import Forgetting
from exporter.ledger.postgres.leases import lease
from exporter.ledger.postgres.numbers import stored_series
from exporter.ledger.postgres.recount import recount
from exporter.ledger.postgres.schema import prepare
from exporter.ledger.posting import plan, questions
from exporter.metrics.families import Increment

if TYPE_CHECKING:
    from exporter.ledger.facts import Plan

log = structlog.get_logger()


class PostgresStore:
    """The writing side, called by the committing thread alone."""

    def __init__(
        self, url: str, limits: Limits, look: Callable[[Connection], None] = prepare
    ) -> None:
        """``look`` is at each new connection; see ``Session``."""
        self._limits = limits
        self._look = look
        self._session = Session(url, self._prepare)
        self._known = Admitted()
        self._forgetting = Forgetting(limits)

    def open(self) -> None:
        """Connect and make the tables.  Raises ``UnusableLedger``, ``LedgerUnavailable``."""
        self._session.open()
        try:
            self._session.run(recount)
        except LedgerUnavailable as error:  # too much for a start, or just now
            log.warning("ledger.not_recounted", reason=str(error))

    def commit(
        self,
        postings: Sequence[Posting],
        tallies: Sequence[Increment],
        deliveries: Sequence[Delivery],
    ) -> Sequence[Receipt]:
        """Write everything in one transaction; see ``Store``."""

        def transaction(connection: Connection) -> "Plan":
            with connection.together() as pipeline:
                asked = questions(postings, self._limits)
                found = tables.answer(
                    connection,
                    pipeline,
                    asked,
                    self._limits,
                    self._known,
                    {one.stream for one, _ in postings if one.stream and one.report},
                    {one.identity for one, _ in postings if not one.report},
                )
                now = found.facts.clock or 0.0
                planned = plan(postings, tallies, found.facts, self._limits, now)
                tables.write(connection, planned, found.stripe, found.received)
                write_deliveries(connection, deliveries)
                if not postings and not tallies:
                    tables.prove(connection, now)
                connection.commit_now()
            self._known.sources |= planned.sources
            self._known.series |= planned.series
            return planned

        return self._session.run(transaction).receipts

    def reconcile(self, changes: Changes) -> Reconciled:
        """Open and close pushes in one transaction; see ``Store``."""

        def transaction(connection: Connection) -> "tuple[Plan, Reconciled]":
            with connection.together() as pipeline:
                asked = reconciling.questions(changes, self._limits)
                found = tables.answer(
                    connection, pipeline, asked, self._limits, self._known, set(asked.streams)
                )
                now = found.facts.clock or 0.0
                planned, done = reconciling.plan(changes, found.facts, self._limits, now)
                tables.write(connection, planned, found.stripe)
                connection.commit_now()
            return planned, done

        planned, done = self._session.run(transaction)
        self._known.sources |= planned.sources
        self._known.series |= planned.series
        return done

    def lease(self, name: str, holder: str, seconds: float) -> bool:
        """Return whether a holder has a name to itself; see ``Ledger``."""
        return self._session.run(lambda connection: lease(connection, name, holder, seconds))

    def tend(self) -> bool:
        """Forget one step's worth; see ``Store``."""
        return self._session.run(self._forgetting.step)

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def _prepare(self, connection: Connection) -> None:
        self._look(connection)
        # It may be another database.
        self._known = Admitted(series=stored_series(connection))
