"""What backfill needs of the ledger."""

from collections.abc import Collection, Sequence
from typing import Protocol

from exporter.ledger import Posting, Settled
from exporter.ledger.history import Known
from exporter.tencent.reading import Stream


class PushHistory(Protocol):
    """The verbs of backfill; the first raises ``LedgerUnavailable``."""

    def known_pushes(self, streams: Collection[Stream]) -> Known:
        """Return all pushes that are kept of some streams."""

    def submit(self, postings: Sequence[Posting], settled: Settled) -> None:
        """Record a group of entries; see ``Ledger.submit``."""
