"""One thread that commits; all callbacks that wait share a commit.

A commit costs a disk flush or a round trip, however much is in it.  So groups of postings
queue while a commit runs and all go into the next one; nobody waits for company.  The thread
is the only one that writes, so stores need no locks against their own process.

A second thread looks every moment whether somebody has waited too long.  The first cannot: a
commit that hangs keeps it.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from math import inf
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar

import structlog

from exporter.ledger.interface import (
    UNAVAILABLE_AFTER_SECONDS,
    LedgerUnavailable,
    Posting,
    Receipt,
    Results,
    Settled,
)
from exporter.ledger.store import Store
from exporter.ledger.waiting import Waiting
from exporter.metrics.catalogue import COMMIT_SECONDS

LARGEST_COMMIT: Final = 256
TICK_SECONDS: Final = 0.5
"""How long tallies and deliveries wait for a commit to ride with, a lost store for a new
attempt, and a second look at those who wait."""

TEND_SECONDS: Final = 1.0
_LATE: Final = f"no commit within {UNAVAILABLE_AFTER_SECONDS:.0f} s"

T = TypeVar("T")

log = structlog.get_logger()


class _Group:
    """Postings that were handed over together; without any it only asks for a commit."""

    __slots__ = ("postings", "settled", "submitted_at")

    def __init__(self, postings: Sequence[Posting], settled: Settled) -> None:
        self.postings = postings
        self.settled = settled
        self.submitted_at = time.monotonic()


class _Task:
    """Other work with the store, and its result."""

    __slots__ = ("result", "work")

    def __init__(self, work: Callable[[Store], Any]) -> None:
        self.work = work
        self.result: Future[Any] = Future()


class SharedCommits:
    """The queue before a store, and the thread that empties it."""

    def __init__(self, store: Store, waiting: Waiting, *, tend: bool = True) -> None:
        self._store = store
        self._waiting = waiting
        self._queue: SimpleQueue[_Group | _Task | None] = SimpleQueue()
        # Oldest first.  Whoever removes a group from here settles it: so that is done once.
        self._unsettled: dict[_Group, None] = {}
        self._failure: str | None = None
        self._busy_since: float | None = None
        self._committed_at = 0.0
        self._tend_at = 0.0 if tend else inf
        self._closing = False
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._thread.start()
        threading.Thread(target=self._watch, name="ledger-watch", daemon=True).start()

    @property
    def failure(self) -> str | None:
        """Return why the last commit failed, or that the present one hangs."""
        return self._failure

    def submit(self, postings: Sequence[Posting], settled: Settled) -> None:
        """Hand over a group of postings without waiting; see ``Ledger.submit``."""
        group = _Group(postings, settled)
        self._unsettled[group] = None
        # After that, so that ``close`` finds each group that does not see it closing.
        if failure := self._impossible():
            # Known to be useless: answer at once.
            self._give_up(group, failure)
        else:
            self._queue.put(group)

    def wait_for(self, postings: Sequence[Posting]) -> Results:
        """Return the results of a group of postings when it is settled."""
        answer: SimpleQueue[Results] = SimpleQueue()
        self.submit(postings, answer.put)
        return answer.get()

    def run(self, work: Callable[[Store], T]) -> T:
        """Return what other work with the store gives, done between two commits.

        Raises ``LedgerUnavailable``, after which it may or may not have been done, and
        whatever the work raises.
        """
        if failure := self._impossible():
            raise LedgerUnavailable(failure)
        task = _Task(work)
        self._queue.put(task)
        try:
            result: T = task.result.result(UNAVAILABLE_AFTER_SECONDS)
        except TimeoutError:
            task.result.cancel()
            raise LedgerUnavailable(_LATE) from None
        return result

    def check(self) -> None:
        """Return if a commit is possible now; see ``Ledger.check``."""
        if time.monotonic() - self._committed_at > TEND_SECONDS:
            self.wait_for(())
        if failure := self._impossible():
            raise LedgerUnavailable(failure)

    def close(self) -> None:
        """Commit what is queued and what waits, then let go of the store."""
        self._closing = True
        self._queue.put(None)
        self._thread.join(UNAVAILABLE_AFTER_SECONDS)
        self._closed.set()
        for group in list(self._unsettled):
            self._give_up(group, "shutting down")

    # --- The committing thread

    def _run(self) -> None:
        closing = False
        while not closing:
            groups, tasks, closing = self._gather()
            self._turn(groups, last=closing)
            for task in tasks:
                self._do(task)
            self._busy_since = None
        self._store.close()

    def _gather(self) -> tuple[deque[_Group], list[_Task], bool]:
        """Return all who wait, and whether this is the end; at most a tick later, nobody."""
        groups: deque[_Group] = deque()
        tasks: list[_Task] = []
        size = 0
        try:
            one = self._queue.get(timeout=TICK_SECONDS)
            while one is not None:
                if isinstance(one, _Task):
                    tasks.append(one)
                elif one in self._unsettled:  # else it was given up
                    groups.append(one)
                    size += len(one.postings)
                if size >= LARGEST_COMMIT:
                    return groups, tasks, False
                one = self._queue.get_nowait()
        except Empty:
            return groups, tasks, False
        return groups, tasks, True

    def _turn(self, groups: deque[_Group], *, last: bool) -> None:
        notes = last or self._waiting.notes_waited(TICK_SECONDS)
        if groups or notes or self._failure or self._waiting.tallies_waited(TICK_SECONDS):
            self._commit_groups(groups, notes=notes)
        # Not between a failure and the attempts to recover from it.
        if self._failure is None and not last and time.monotonic() >= self._tend_at:
            self._tend()

    def _commit_groups(self, groups: deque[_Group], *, notes: bool) -> None:
        """Commit groups, and settle each as soon as all of it is committed."""
        results: list[Receipt | LedgerUnavailable] = []
        for postings in _commits_of([posting for group in groups for posting in group.postings]):
            results += self._commit(postings, notes=notes)
            while groups and len(results) >= (size := len(groups[0].postings)):
                self._settle(groups.popleft(), results[:size])
                del results[:size]

    def _commit(self, postings: Sequence[Posting], *, notes: bool = False) -> Results:
        tallies, noted = self._waiting.take(notes=notes)
        self._busy_since = time.monotonic()
        began = time.perf_counter()
        try:
            deliveries = [one.delivery() for one in noted]
            receipts = self._store.commit(postings, tallies, deliveries)
        except LedgerUnavailable as error:
            self._waiting.put_back()
            return self._fail(str(error), postings)
        except Exception:
            # Our own fault, and perhaps that of a single entry: the others must not suffer.
            # Or that of a delivery, which is not worth another try.
            log.exception("ledger.failed")
            self._waiting.put_back(notes=False)
            if noted or len(postings) > 1:
                return [
                    result
                    for one in ([posting] for posting in postings)
                    for result in self._commit(one)
                ]
            return [LedgerUnavailable("internal error, see the log") for _ in postings]
        self._waiting.settle()
        self._succeed()
        seconds = time.perf_counter() - began
        self._waiting.tally(COMMIT_SECONDS.observe(seconds), urgent=False)
        return receipts

    def _do(self, task: _Task) -> None:
        if not task.result.set_running_or_notify_cancel():
            return
        self._busy_since = time.monotonic()
        try:
            result = task.work(self._store)
        except LedgerUnavailable as error:
            self._fail(str(error))
            task.result.set_exception(error)
        except Exception as error:  # noqa: BLE001 - for whoever waits for it
            task.result.set_exception(error)
        else:
            self._succeed()
            task.result.set_result(result)

    def _tend(self) -> None:
        self._tend_at = time.monotonic() + TEND_SECONDS
        self._busy_since = time.monotonic()
        try:
            if self._store.tend():
                self._tend_at = 0.0
        except LedgerUnavailable as error:
            self._fail(str(error))
        except Exception:
            log.exception("ledger.failed")

    # --- The watching thread

    def _watch(self) -> None:
        while not self._closed.wait(TICK_SECONDS):
            self._look()

    def _look(self) -> None:
        """Fail the groups that have waited too long, and all if a commit hangs."""
        now = time.monotonic()
        since = self._busy_since
        hangs = since is not None and now - since >= UNAVAILABLE_AFTER_SECONDS
        if hangs and since == self._busy_since:
            self._fail(f"a commit has been running for {UNAVAILABLE_AFTER_SECONDS:.0f} s")
        for group in list(self._unsettled):
            if not hangs and now - group.submitted_at < UNAVAILABLE_AFTER_SECONDS:
                break
            self._give_up(group, _LATE)

    # --- Any thread

    def _settle(self, group: _Group, results: Results) -> None:
        try:
            del self._unsettled[group]
        except KeyError:
            return  # somebody else has, just before
        try:
            group.settled(results)
        except Exception:  # of whoever waits: no reason to stop committing
            log.exception("ledger.failed")

    def _give_up(self, group: _Group, failure: str) -> None:
        self._settle(group, [LedgerUnavailable(failure) for _ in group.postings])

    def _impossible(self) -> str | None:
        """Return why no commit will come, None if one may."""
        return "shutting down" if self._closing else self._failure

    def _fail(self, failure: str, postings: Sequence[Posting] = ()) -> Results:
        if self._failure is None:
            log.error("ledger.unavailable", reason=failure)
        self._failure = failure
        return [LedgerUnavailable(failure) for _ in postings]

    def _succeed(self) -> None:
        self._committed_at = time.monotonic()
        if self._failure is not None:
            log.info("ledger.available", after=self._failure)
        self._failure = None


def _commits_of(postings: Sequence[Posting]) -> Iterator[Sequence[Posting]]:
    """Yield what to commit at a time: at least one commit, none too large."""
    for start in range(0, max(1, len(postings)), LARGEST_COMMIT):
        yield postings[start : start + LARGEST_COMMIT]
