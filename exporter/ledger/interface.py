"""The Ledger: what every store of our counts promises.

**Atomic.**  ``record`` is one transaction.  Is the entry new?  Then the set of open pushes
changes and every increment is added; all of it or nothing.

**Durable.**  ``record`` returns after the commit has reached the disk.  What it returned for
survives a crash of the process and of the machine; whoever got an exception sends again.

**Exactly once.**  An identity is remembered for ``dedupe_seconds`` after its first receipt,
by every process that shares the ledger.  A push that is still open is remembered as long
as it is open.

**Order does not matter.**  Any order and any repetition of the same entries gives the same
counts and the same open pushes: an interruption closes only its own push, and a push that
comes after its own interruption is ``late``: counted, not opened.

**Bounded.**  At most ``max_sources`` pairs of push domain and app name have labels of their
own; identities are forgotten, idle pushes expire, in small steps that ride with commits.
Of a stream with very many open pushes a callback keeps the newest dozen alive.
Of deliveries the newest few hundred are kept.

**Unavailable is an answer.**  A store that cannot commit raises ``LedgerUnavailable`` within
``UNAVAILABLE_AFTER_SECONDS``, and takes entries again by itself once it can.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from exporter.metrics.entries import Entry
from exporter.metrics.families import Increment

UNAVAILABLE_AFTER_SECONDS: Final = 8.0

REFUSED: Final = "refused"
"""Outcome of a delivery that did not become an entry."""

DELIVERIES_KEPT: Final = 300
"""How many deliveries are kept of those that were taken, and of those refused."""


class Outcome(StrEnum):
    """What became of an entry."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class Receipt:
    """The proof that an entry is in the ledger."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a ledger remembers."""

    dedupe_seconds: float
    push_idle_seconds: float
    """0: open pushes never expire."""
    max_sources: int

    @property
    def hearing_seconds(self) -> float:
        """Return how exactly the last sign of life of a stream is kept.

        A stream that is heard of every few seconds need not be written every few seconds;
        in return an idle push expires up to this much later.
        """
        return self.push_idle_seconds / 100


class Cell(NamedTuple):
    """One stored number: ``value`` is in units of 1/scale of its family.

    ``labels`` are all of the family's label values, source labels first; ``created_at`` is
    the Unix time of the series' first event.
    """

    family: str
    labels: tuple[str, ...]
    cell: str
    value: int
    created_at: float


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All of a ledger's numbers at one moment."""

    cells: Sequence[Cell]
    oldest_open_push: float | None


class Delivery(NamedTuple):
    """One callback as it came in, accepted or refused: what an operator wants to see of it.

    What a sender made of it is untrusted: whoever makes a delivery bounds it and keeps it
    printable.  Never in it: ``stream_param``, ``sign``, URLs, addresses, keys.

    ``outcome`` is an ``Outcome`` or ``refused``, then with a ``reason`` of ``refusals`` and
    its ``detail``; ``delay_seconds`` is receipt minus the packet's own time, and
    ``expires_in_seconds`` is ``t`` minus receipt, both below 0 where clocks differ.
    ``attempts`` is told by the ledger: how many deliveries with this ``identity`` there were
    up to this one, as far as they are kept.
    """

    received_at: float
    outcome: str
    reason: str | None = None
    detail: str | None = None
    event: str | None = None
    push_domain: str | None = None
    app_name: str | None = None
    stream_id: str | None = None
    delay_seconds: float | None = None
    expires_in_seconds: float | None = None
    identity: bytes | None = None
    attempts: int = 1


class LedgerUnavailable(Exception):  # noqa: N818 - a state that passes, told to the sender
    """The ledger cannot commit, or cannot be read, just now; the text says why."""


class LedgerRefused(Exception):  # noqa: N818 - as above: a refusal to start
    """The ledger must not be used: damaged, newer than this program, or not a ledger."""


class Ledger(Protocol):
    """A store of counts and open pushes, shared by all threads of a process.

    Made after the fork, closed once.  All times are Unix seconds.
    """

    @property
    def failure(self) -> str | None:
        """Return why the last commit failed, None if it did not; asks nobody."""

    def record(self, entry: Entry, now: float) -> Receipt:
        """Commit an entry that was received at ``now``, and only then return.

        Raises ``LedgerUnavailable``: then the entry may or may not have been committed, and
        recording it again is right in both cases.
        """

    def tally(self, increments: Iterable[Increment]) -> None:
        """Add increments that are not worth a commit: they ride with the next one.

        Or go alone at most a second later.  At most that second is lost in a crash.
        """

    def note(self, delivery: Delivery) -> None:
        """Remember a delivery, as unhurriedly as a tally, and with no more loss in a crash.

        Only the newest ``DELIVERIES_KEPT`` of those that were taken, and as many of those
        that were refused, are kept at any time, in memory and in the ledger: neither a busy
        hour nor a flood of forged packets hides the others.
        """

    def deliveries(self) -> Sequence[Delivery]:
        """Return the deliveries kept, newest first.  Raises ``LedgerUnavailable``.

        Those of this process are in it at once, those of others after their commit.
        """

    def snapshot(self) -> Snapshot:
        """Return all that is committed.  Raises ``LedgerUnavailable``."""

    def check(self) -> None:
        """Return if the ledger can commit now, else raise ``LedgerUnavailable``."""

    def close(self) -> None:
        """Commit what is tallied, and let go of the store."""
