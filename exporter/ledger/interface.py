"""The Ledger: what every store of our counts promises.

**Atomic.**  An entry is recorded in one transaction.  Is it new?  Then the set of open pushes
changes and every increment is added; all of it or nothing.

**Durable.**  A receipt is given after the commit has reached the disk.  What has a receipt
survives a crash of the process and of the machine; what has none is sent again.

**Waiting or not.**  ``submit`` hands over a group of postings and returns at once; the group
is settled later, once, as a whole, with a result for each posting.  Many groups share a
commit.  ``record`` is ``submit`` for one entry, and waits.

**Exactly once.**  An identity is remembered for ``dedupe_seconds`` after its first receipt,
by every process that shares the ledger.  A push that is still open is remembered as long
as it is open.

**Order does not matter.**  Any order and any repetition of the same entries gives the same
counts and the same open pushes: an interruption closes only its own push, and a push that
comes after its own interruption is ``late``: counted, not opened.

**Bounded.**  At most ``max_sources`` pairs of push domain and app name have labels of their
own, and at most ``max_series`` series of all of them together are stored: what would be one
too many counts under ``other``.  Identities are forgotten, idle pushes expire, in small steps
between commits, and not by a clock that has just jumped (``clock``).  A callback keeps only the
newest open push of its stream alive.  Of deliveries the newest few hundred of each class are kept.

**Of one clock.**  What is too old is decided by the clock of the machine that all who share
the ledger have in common: PostgreSQL's server, or the only one.

**Unavailable is an answer.**  Who waits for a commit that fails, or that does not come within
``UNAVAILABLE_AFTER_SECONDS``, gets ``LedgerUnavailable``.  A commit that hangs for so long is
a failure like any other, though its thread is stuck: ``failure`` says so, and nobody waits
for it any more.  What was given up while it waited is not counted; what was given up while
its commit ran may be, and is recognised when it comes again.  The ledger takes entries again
by itself once it can.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from exporter.ledger.changes import Changes, OpenPush, Reconciled
from exporter.ledger.history import KnownPushes, StreamHistory, StreamPage, StreamQuery
from exporter.metrics.entries import Entry
from exporter.metrics.families import Increment
from exporter.protocol.vocabulary import Stream

UNAVAILABLE_AFTER_SECONDS: Final = 8.0

REFUSED: Final = "refused"
"""Outcome of a delivery that did not become an entry."""

DELIVERIES_KEPT: Final = 300
"""How many deliveries are kept of each class."""


class Outcome(StrEnum):
    """What became of an entry."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    LATE = "late"


class Posting(NamedTuple):
    """An entry and the Unix time of its receipt."""

    entry: Entry
    now: float


@dataclass(frozen=True, slots=True)
class Receipt:
    """The proof that an entry is in the ledger."""

    outcome: Outcome


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

    What comes from the sender is untrusted: it must be bounded and printable before it is here.
    Never in it: ``stream_param``, ``sign``, URLs, addresses, keys.

    ``outcome`` is an ``Outcome`` or ``refused``, then with a ``reason`` of ``refusals`` and
    its ``detail``; of a taken one that was forwarded ``reason`` is ``forward_`` and what became
    of it at the consumer, and ``detail`` its status or why there is none.
    ``said`` is what matters of the event itself: an errcode and its cause, a length.
    ``delay_seconds`` is receipt minus the packet's own time, and ``expires_in_seconds`` is
    ``t`` minus receipt, both below 0 where clocks differ.
    ``attempts`` is counted by the ledger when it is read: how many deliveries with this
    ``identity`` there were up to this one, as far as they are kept.
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
    said: str | None = None
    identity: bytes | None = None
    attempts: int = 1

    @property
    def forward_result(self) -> str | None:
        """Return what became of it at the consumer, None if it was not forwarded."""
        if self.outcome == REFUSED or not self.reason:
            return None
        return self.reason.removeprefix("forward_")

    def delivery(self) -> "Delivery":
        """Return itself, as a ``Noted`` that is ready."""
        return self


class Noted(Protocol):
    """A delivery, or the few small values that it can be made of when somebody wants it.

    Under load most deliveries are not among the newest for long; those are never made.
    """

    @property
    def outcome(self) -> str:
        """Return the delivery's outcome."""

    @property
    def event(self) -> str | None:
        """Return the name of the event, None where it is not known."""

    def delivery(self) -> Delivery:
        """Return the delivery: an equal one each time, in any thread."""


class Forgotten(NamedTuple):
    """What a ledger has forgotten of sources: how many, their series, their open pushes."""

    sources: int
    series: int
    open_pushes: int


class LedgerUnavailable(Exception):  # noqa: N818 - a state that passes, not an error of ours
    """The ledger cannot commit, or cannot be read, just now; the text says why."""


class UnusableLedger(Exception):  # noqa: N818 - a state of the ledger, not an error of ours
    """The ledger must not be used: damaged, newer than this program, or not a ledger."""


Results = Sequence[Receipt | LedgerUnavailable]
"""What became of postings that were committed together, or not, in their order."""

Settled = Callable[[Results], None]
"""What ``submit`` calls with a result for each posting, in order."""


class Ledger(Protocol):
    """A store of counts and open pushes, shared by all threads of a process.

    Made after the fork, closed once.  All times are Unix seconds.
    """

    @property
    def failure(self) -> str | None:
        """Return why the last commit failed, or that the present one hangs; else None.

        Asks nobody, and never waits.
        """

    def submit(self, postings: Sequence[Posting], settled: Settled) -> None:
        """Hand over a group of postings, and return without waiting for their commit.

        ``settled`` is called exactly once for the whole group, from any thread, perhaps
        before ``submit`` returns; it must be quick and raise nothing.  ``LedgerUnavailable``
        in place of a receipt: the entry may or may not have been committed, and recording it
        again is right in both cases.  Raises nothing itself.
        """

    def record(self, entry: Entry, now: float) -> Receipt:
        """Commit an entry that was received at ``now``, and only then return.

        Raises ``LedgerUnavailable``, with the meaning that it has for ``submit``.
        """

    def tally(self, increments: Iterable[Increment]) -> None:
        """Add increments that are not worth a commit: they ride with the next one.

        Or go alone at most a second later.  At most that second is lost in a crash.
        """

    def waiting_tallies(self) -> Sequence[Increment]:
        """Return what was tallied and is not known to be committed, one for each cell.

        So a process can show its refusals while the ledger cannot take them.
        """

    def note(self, noted: Noted) -> None:
        """Remember a delivery: it is committed as late as a tally, and as much is lost in a crash.

        Only the newest ``DELIVERIES_KEPT`` of each class of events, and as many of those that
        were refused, are kept at any time, in memory and in the ledger: neither a busy hour
        nor a flood of captures or of forged packets hides the others.  What ``noted`` refers to is
        kept in memory as long, so it must be small.
        """

    def deliveries(self) -> Sequence[Delivery]:
        """Return the deliveries kept, newest first.  Raises ``LedgerUnavailable``.

        Those of this process are in it at once, those of others after their commit.
        """

    def snapshot(self) -> Snapshot:
        """Return all that is committed.  Raises ``LedgerUnavailable``."""

    def streams(self, query: StreamQuery) -> StreamPage:
        """Return a page of the streams whose pushes are kept.  Raises ``LedgerUnavailable``."""

    def pushes_of(self, stream: Stream, most: int) -> StreamHistory:
        """Return at most so many pushes of a stream: open ones first, then the newest.

        Raises ``LedgerUnavailable``.
        """

    def open_pushes(self) -> Sequence[OpenPush]:
        """Return all open pushes.  Raises ``LedgerUnavailable``."""

    def reconcile(self, changes: Changes) -> Reconciled:
        """Commit pushes that began or ended without an event.

        Raises ``LedgerUnavailable``: they may or may not have been committed.  In both cases find
        out anew what is to be changed.
        """

    def lease(self, name: str, holder: str, seconds: float) -> bool:
        """Return whether a holder has a name to itself for so long from now; 0 gives it back.

        At most ``LONGEST_LEASE``.  Raises ``LedgerUnavailable``.
        """

    def known_pushes(self, streams: Collection[Stream]) -> KnownPushes:
        """Return all pushes kept of some streams.  Raises ``LedgerUnavailable``."""

    def check(self) -> None:
        """Return if the ledger can commit now, else raise ``LedgerUnavailable``."""

    def close(self) -> None:
        """Commit what is tallied, and let go of the store."""
