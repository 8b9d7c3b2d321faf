"""One thread that commits; whoever waits for it shares the commit.

A commit costs a disk flush or a round trip, however much is in it.  So callbacks queue
while a commit runs and all go into the next one; nobody waits for company.  The thread is
the only one that writes, so stores need no locks against their own process.
"""

import threading
import time
from collections.abc import Iterable, Sequence
from queue import Empty, SimpleQueue
from typing import Final, Protocol

import structlog

from exporter.ledger.interface import (
    UNAVAILABLE_AFTER_SECONDS,
    Delivery,
    LedgerUnavailable,
    Receipt,
    Snapshot,
)
from exporter.ledger.notes import Notes, told
from exporter.ledger.posting import Posting
from exporter.ledger.tallies import Tallies
from exporter.metrics.catalogue import COMMIT_SECONDS
from exporter.metrics.entries import Entry
from exporter.metrics.families import Increment

LARGEST_COMMIT: Final = 256
TICK_SECONDS: Final = 0.5
"""How long tallies and notes wait for a commit to ride with, a lost store for a new attempt."""

TEND_SECONDS: Final = 1.0
SHORTEST_WAIT_SECONDS: Final = 1.0

log = structlog.get_logger()


class Store(Protocol):
    """What a kind of storage does for the committing thread, which alone calls it."""

    def commit(
        self,
        postings: Sequence[Posting],
        tallies: Sequence[Increment],
        deliveries: Sequence[Delivery],
    ) -> list[Receipt]:
        """Write everything in one durable transaction and return a receipt for each posting.

        With nothing to write it still proves that a commit is possible.  Raises
        ``LedgerUnavailable`` after undoing all; the next call starts afresh.
        """

    def tend(self, now: float) -> bool:
        """Forget one small step's worth of what is too old; return if more is due."""

    def close(self) -> None:
        """Let go of the storage."""


class Reader(Protocol):
    """What a kind of storage reads, for any thread.  Raises ``LedgerUnavailable``."""

    def snapshot(self) -> Snapshot:
        """Return all that is committed."""

    def deliveries(self) -> list[Delivery]:
        """Return the committed deliveries, oldest first."""

    def close(self) -> None:
        """Let go of the storage."""


class _Ticket:
    """The place of one caller in the queue; without a posting it only asks for a commit."""

    __slots__ = ("_done", "abandoned", "failure", "posting", "receipt")

    def __init__(self, posting: Posting | None) -> None:
        self.posting = posting
        self.receipt: Receipt | None = None
        self.failure: str | None = None
        self.abandoned = False
        self._done = threading.Lock()  # cheaper than an Event, which is a lock and more
        self._done.acquire()

    def settle(self, *, receipt: Receipt | None = None, failure: str | None = None) -> None:
        self.receipt, self.failure = receipt, failure
        self._done.release()

    def wait(self, seconds: float) -> Receipt | None:
        if not self._done.acquire(timeout=seconds):
            self.abandoned = True
            raise LedgerUnavailable(f"no commit within {seconds:.0f} s")
        if self.failure is not None:
            raise LedgerUnavailable(self.failure)
        return self.receipt


class SharedCommits:
    """The queue before a store, and the thread that empties it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._queue: SimpleQueue[_Ticket | None] = SimpleQueue()
        self._tallies = Tallies()
        self._notes = Notes()
        self._failure: str | None = None
        self._busy_since: float | None = None
        self._committed_at = 0.0
        self._tend_at = 0.0
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._thread.start()

    @property
    def failure(self) -> str | None:
        """Return why the last commit failed; see ``Ledger.failure``."""
        return self._failure

    def record(self, entry: Entry, now: float) -> Receipt:
        """Return the entry's receipt after its commit; see ``Ledger.record``."""
        receipt = self._wait_for(Posting(entry, now))
        assert receipt is not None  # noqa: S101 - a settled ticket with a posting has one
        return receipt

    def check(self) -> None:
        """Return if a commit is possible now; see ``Ledger.check``."""
        if self._failure or time.monotonic() - self._committed_at > TEND_SECONDS:
            self._wait_for(None)

    def tally(self, increments: Iterable[Increment]) -> None:
        """Add increments to the next commit; see ``Ledger.tally``."""
        self._tallies.add(increments)

    def note(self, delivery: Delivery) -> None:
        """Write a delivery with a later commit; see ``Ledger.note``."""
        self._notes.add(delivery)

    def waiting(self) -> list[Delivery]:
        """Return the deliveries that are not known to be committed, oldest first."""
        return self._notes.waiting()

    def close(self) -> None:
        """Commit what is queued, tallied and noted, then let go of the store."""
        self._closing = True
        self._queue.put(None)
        self._thread.join(UNAVAILABLE_AFTER_SECONDS)

    def _wait_for(self, posting: Posting | None) -> Receipt | None:
        busy_since = self._busy_since
        busy = 0.0 if busy_since is None else time.monotonic() - busy_since
        failure = self._failure
        if self._closing:
            failure = "shutting down"
        elif busy > UNAVAILABLE_AFTER_SECONDS:
            failure = f"a commit has been running for {busy:.0f} s"
        if failure:
            # Known to be useless: answer at once, so that no thread is kept from others.
            raise LedgerUnavailable(failure)
        ticket = _Ticket(posting)
        self._queue.put(ticket)
        return ticket.wait(max(SHORTEST_WAIT_SECONDS, UNAVAILABLE_AFTER_SECONDS - busy))

    def _run(self) -> None:
        closing = False
        while not closing:
            tickets, closing = self._gather()
            self._busy_since = time.monotonic()
            self._turn(tickets, last=closing)
            self._busy_since = None
        self._store.close()

    def _gather(self) -> tuple[list[_Ticket], bool]:
        """Return all who wait, and whether this is the end; at most a tick later, nobody."""
        tickets: list[_Ticket] = []
        try:
            ticket = self._queue.get(timeout=TICK_SECONDS)
            while ticket is not None:
                if not ticket.abandoned:
                    tickets.append(ticket)
                if len(tickets) == LARGEST_COMMIT:
                    return tickets, False
                ticket = self._queue.get_nowait()
        except Empty:
            return tickets, False
        return tickets, True

    def _turn(self, tickets: list[_Ticket], *, last: bool = False) -> None:
        notes_due = last or self._notes.overdue(TICK_SECONDS)
        if tickets or notes_due or self._failure or self._tallies.overdue(TICK_SECONDS):
            self._commit(tickets, self._notes.take() if notes_due else ())
        # Not between a failure and the attempts to recover from it.
        if self._failure is None and not last and time.monotonic() >= self._tend_at:
            self._tend()

    def _commit(self, tickets: list[_Ticket], deliveries: Sequence[Delivery] = ()) -> None:
        postings = [ticket.posting for ticket in tickets if ticket.posting]
        tallies = self._tallies.take()
        began = time.perf_counter()
        try:
            receipts = iter(self._store.commit(postings, tallies, deliveries))
        except LedgerUnavailable as error:
            self._tallies.put_back(tallies)
            self._notes.put_back()
            self._fail(tickets, str(error))
        except Exception:
            # Our own fault, and perhaps that of a single entry: the others must not suffer.
            self._tallies.put_back(tallies)
            self._notes.settle()  # or that of a delivery, which is not worth another try
            if len(tickets) > 1:
                for ticket in tickets:
                    self._commit([ticket])
                return
            log.exception("ledger.failed")
            for ticket in tickets:
                ticket.settle(failure="internal error, see the log")
        else:
            seconds = time.perf_counter() - began
            self._committed_at = time.monotonic()
            self._succeed()
            self._notes.settle()
            for ticket in tickets:
                ticket.settle(receipt=next(receipts) if ticket.posting else None)
            self._tallies.add(COMMIT_SECONDS.observe(seconds), urgent=False)

    def _tend(self) -> None:
        self._tend_at = time.monotonic() + TEND_SECONDS
        try:
            if self._store.tend(time.time()):
                self._tend_at = 0.0
        except LedgerUnavailable as error:
            self._fail([], str(error))
        except Exception:
            log.exception("ledger.failed")

    def _fail(self, tickets: list[_Ticket], failure: str) -> None:
        if self._failure is None:
            log.error("ledger.unavailable", reason=failure)
        self._failure = failure
        for ticket in tickets:
            ticket.settle(failure=failure)

    def _succeed(self) -> None:
        if self._failure is not None:
            log.info("ledger.available", after=self._failure)
        self._failure = None


class DurableLedger:
    """A ``Ledger`` of a committing thread and a reader, whatever the storage."""

    def __init__(self, store: Store, reader: Reader) -> None:
        self._commits = SharedCommits(store)
        self._reader = reader
        self.record = self._commits.record
        self.check = self._commits.check
        self.tally = self._commits.tally
        self.note = self._commits.note
        self.snapshot = reader.snapshot

    @property
    def failure(self) -> str | None:
        """Return why the last commit failed; see ``Ledger``."""
        return self._commits.failure

    def deliveries(self) -> Sequence[Delivery]:
        """Return the deliveries kept; see ``Ledger``."""
        waiting = self._commits.waiting()
        return told(self._reader.deliveries(), waiting)

    def close(self) -> None:
        """Commit what is tallied and let go of the storage; see ``Ledger``."""
        self._reader.close()
        self._commits.close()
