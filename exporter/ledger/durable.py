"""A ``Ledger`` of any storage: its store behind the queue of commits, its reader beside it."""

from collections.abc import Collection, Iterable, Sequence

from exporter.ledger.changes import Changes, OpenPush, Reconciled
from exporter.ledger.commits import SharedCommits
from exporter.ledger.deliveries import newest_first
from exporter.ledger.gauges import with_limits
from exporter.ledger.history import KnownPushes, StreamHistory, StreamPage, StreamQuery
from exporter.ledger.interface import (
    Delivery,
    LedgerUnavailable,
    Noted,
    Posting,
    Receipt,
    Settled,
    Snapshot,
)
from exporter.ledger.limits import Limits
from exporter.ledger.store import Reader, Store
from exporter.ledger.waiting import Waiting
from exporter.metrics.entries import Entry
from exporter.metrics.families import Increment
from exporter.protocol.vocabulary import Stream


class DurableLedger:
    """A ``Ledger`` whose counts outlive the process; each method is described there."""

    def __init__(self, store: Store, reader: Reader, limits: Limits, *, tend: bool) -> None:
        """With ``tend``, forget what is too old from time to time."""
        self._reader = reader
        self._limits = limits
        self._waiting = Waiting()
        self._commits = SharedCommits(store, self._waiting, tend=tend)

    @property
    def failure(self) -> str | None:
        """Return why the last commit failed, or that the present one hangs."""
        return self._commits.failure

    def submit(self, postings: Sequence[Posting], settled: Settled) -> None:
        """Hand over a group of postings without waiting."""
        self._commits.submit(postings, settled)

    def record(self, entry: Entry, now: float) -> Receipt:
        """Commit an entry, and only then return."""
        (result,) = self._commits.wait_for([Posting(entry, now)])
        if isinstance(result, LedgerUnavailable):
            raise result
        return result

    def tally(self, increments: Iterable[Increment]) -> None:
        """Add increments to the next commit."""
        self._waiting.tally(increments)

    def waiting_tallies(self) -> Sequence[Increment]:
        """Return what was tallied and is not known to be committed."""
        return self._waiting.tallies()

    def note(self, noted: Noted) -> None:
        """Remember a delivery."""
        self._waiting.note(noted)

    def deliveries(self) -> Sequence[Delivery]:
        """Return the deliveries kept, newest first."""
        waiting = self._waiting.notes()  # first: what is committed meanwhile is then in both
        return newest_first(self._reader.deliveries(), waiting)

    def snapshot(self) -> Snapshot:
        """Return all that is committed."""
        return with_limits(self._reader.snapshot(), self._limits)

    def open_pushes(self) -> Sequence[OpenPush]:
        """Return all open pushes."""
        return self._reader.open_pushes()

    def reconcile(self, changes: Changes) -> Reconciled:
        """Open and close pushes as the platform's lists say."""
        return self._commits.run(lambda store: store.reconcile(changes))

    def lease(self, name: str, holder: str, seconds: float) -> bool:
        """Return whether a holder has a name to itself."""
        return self._commits.run(lambda store: store.lease(name, holder, seconds))

    def streams(self, query: StreamQuery) -> StreamPage:
        """Return a page of streams."""
        return self._reader.streams(query)

    def pushes_of(self, stream: Stream, most: int) -> StreamHistory:
        """Return the newest pushes of a stream."""
        return self._reader.pushes_of(stream, most)

    def known_pushes(self, streams: Collection[Stream]) -> KnownPushes:
        """Return all pushes kept of some streams."""
        return self._reader.known_pushes(streams)

    def check(self) -> None:
        """Return if the ledger can commit now."""
        self._commits.check()

    def close(self) -> None:
        """Commit what waits and let go of the storage."""
        self._reader.close()
        self._commits.close()
