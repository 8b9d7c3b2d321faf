"""What reconciliation and backfill need of the ledger."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from exporter.ledger import Posting, Settled
from exporter.ledger.history import Known
from exporter.metrics.families import Increment
from exporter.tencent.reading import Stream


class OpenPushSeen(Protocol):
    """An open push; times are Unix milliseconds."""

    @property
    def identity(self) -> bytes:
        """Return the identity of its push event."""

    @property
    def began_at_ms(self) -> int:
        """Return when it began."""

    @property
    def heard_at_ms(self) -> int:
        """Return when it was last known to live."""


class Online(NamedTuple):
    """A stream that is online, and when its push began, in Unix milliseconds."""

    stream: Stream
    began_at_ms: int


class Reconciled(NamedTuple):
    """How many pushes were opened and closed."""

    opened: int
    closed: int


class OpenPushes(Protocol):
    """The verbs of reconciliation; each raises ``LedgerUnavailable``, but ``tally``."""

    def open_streams(self) -> Mapping[Stream, Sequence[OpenPushSeen]]:
        """Return the open pushes of each stream that has any."""

    def reconcile(
        self,
        opened: Sequence[Online],
        closed: Sequence[tuple[bytes, int]],
        increments: Sequence[Increment],
    ) -> Reconciled:
        """Open and close pushes in one transaction, and add increments.

        Opened is what has no open push by then; closed what is open and of whose stream nothing
        was heard since the Unix milliseconds that stand with its identity.
        """

    def lease(self, name: str, holder: str, seconds: float) -> bool:
        """Return whether a holder has a name to itself for so long from now."""

    def tally(self, increments: Iterable[Increment]) -> None:
        """Add increments with some later commit."""


class PushHistory(Protocol):
    """The verbs of backfill; the first raises ``LedgerUnavailable``."""

    def known_pushes(self, streams: Collection[Stream]) -> Known:
        """Return all pushes that are kept of some streams."""

    def submit(self, postings: Sequence[Posting], settled: Settled) -> None:
        """Record a group of entries; see ``Ledger.submit``."""
