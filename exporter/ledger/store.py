"""What a kind of storage brings: a ``Store`` that writes and a ``Reader`` that reads.

``sqlite`` and ``postgres`` each have both; ``durable`` makes a ``Ledger`` of them.
"""

from collections.abc import Collection, Sequence
from typing import Protocol

from exporter.ledger.changes import Changes, OpenPush, Reconciled
from exporter.ledger.history import KnownPushes, StreamHistory, StreamPage, StreamQuery
from exporter.ledger.interface import Delivery, Posting, Receipt, Snapshot
from exporter.metrics.families import Increment
from exporter.protocol.vocabulary import Stream


class Store(Protocol):
    """The writing side, which the committing thread alone calls."""

    def commit(
        self,
        postings: Sequence[Posting],
        tallies: Sequence[Increment],
        deliveries: Sequence[Delivery],
    ) -> Sequence[Receipt]:
        """Write everything in one durable transaction and return a receipt for each posting.

        With nothing to write it still proves that a commit is possible.  Raises
        ``LedgerUnavailable`` after undoing all; the next call starts afresh.
        """

    def reconcile(self, changes: Changes) -> Reconciled:
        """Open and close pushes in one durable transaction; see ``Ledger.reconcile``."""

    def lease(self, name: str, holder: str, seconds: float) -> bool:
        """Return whether a holder has a name to itself; see ``Ledger.lease``."""

    def tend(self) -> bool:
        """Forget one small step's worth of what is too old; return if more is due.

        Nothing while the store's clock is doubted, see ``clock``.
        """

    def close(self) -> None:
        """Let go of the storage."""


class Reader(Protocol):
    """The reading side, for any thread.  Raises ``LedgerUnavailable``."""

    def snapshot(self) -> Snapshot:
        """Return all that is committed."""

    def deliveries(self) -> Sequence[Delivery]:
        """Return the committed deliveries, oldest first, their attempts not yet counted."""

    def open_pushes(self) -> Sequence[OpenPush]:
        """Return all open pushes."""

    def streams(self, query: StreamQuery) -> StreamPage:
        """Return a page of the streams kept."""

    def pushes_of(self, stream: Stream, most: int) -> StreamHistory:
        """Return the newest pushes of a stream."""

    def known_pushes(self, streams: Collection[Stream]) -> KnownPushes:
        """Return all pushes kept of some streams."""

    def close(self) -> None:
        """Let go of the storage."""
