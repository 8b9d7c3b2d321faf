"""What backfill needs of the ledger."""

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

from exporter.ledger import Posting, Settled
from exporter.tencent.reading import Stream


class KnownPush(Protocol):
    """What the ledger knows of a push; times are Unix milliseconds."""

    @property
    def identity(self) -> bytes:
        """Return the identity of its push event."""

    @property
    def interruption(self) -> bytes | None:
        """Return the identity of its interruption, None if no callback told of the push."""

    @property
    def stream(self) -> Stream:
        """Return its stream."""

    @property
    def origin(self) -> str:
        """Return where it came in."""

    @property
    def began_at_ms(self) -> int:
        """Return when it began; about when, unless its push event came."""

    @property
    def begun_by(self) -> str | None:
        """Return ``push`` if its push event came, ``reconciled`` if the platform's list told."""

    @property
    def ended_at_ms(self) -> int | None:
        """Return when it ended, None while it is open."""

    @property
    def ended_by(self) -> str | None:
        """Return ``interruption`` if that came, else why it was closed without."""


class Known(NamedTuple):
    """Pushes that the ledger knows of some streams.

    None is missing that was open at ``complete_since_ms``, Unix milliseconds, or later.
    """

    pushes: Sequence[KnownPush]
    complete_since_ms: int


class PushHistory(Protocol):
    """The verbs of backfill; the first raises ``LedgerUnavailable``."""

    def known_pushes(self, streams: Collection[Stream]) -> Known:
        """Return all pushes that are kept of some streams."""

    def submit(self, postings: Sequence[Posting], settled: Settled) -> None:
        """Record a group of entries; see ``Ledger.submit``."""
