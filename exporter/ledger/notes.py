"""Deliveries that wait in memory for a commit to ride with, and how they are told.

Pure but for the clock and the lock of ``Notes``.
"""

import threading
import time
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from heapq import merge
from itertools import count

from exporter.ledger.interface import DELIVERIES_KEPT, REFUSED, Delivery, Outcome


class Kept:
    """The newest deliveries of each kind; adding one more forgets the oldest."""

    def __init__(self) -> None:
        self._number = count()
        self._taken: deque[tuple[int, Delivery]] = deque(maxlen=DELIVERIES_KEPT)
        self._refused: deque[tuple[int, Delivery]] = deque(maxlen=DELIVERIES_KEPT)

    def add(self, delivery: Delivery) -> None:
        """Add a delivery."""
        kind = self._refused if delivery.outcome == REFUSED else self._taken
        kind.append((next(self._number), delivery))

    def all(self) -> list[Delivery]:
        """Return all in the order in which they were added."""
        return [delivery for _, delivery in merge(self._taken, self._refused)]


class Notes:
    """A bounded buffer of deliveries.

    Adding costs a callback about a microsecond; writing is left to one commit in a while,
    since most of what comes in under load is not among the newest for long.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept = Kept()
        self._waiting_since: float | None = None
        self._riding: list[Delivery] = []

    def add(self, delivery: Delivery) -> None:
        """Add a delivery."""
        with self._lock:
            self._kept.add(delivery)
            if self._waiting_since is None:
                self._waiting_since = time.monotonic()

    def overdue(self, seconds: float) -> bool:
        """Return whether a delivery has waited for so long."""
        since = self._waiting_since
        return since is not None and time.monotonic() - since >= seconds

    def take(self) -> Sequence[Delivery]:
        """Return all deliveries, oldest first, for a commit that ``settle`` will end."""
        with self._lock:
            self._riding, self._kept, self._waiting_since = self._kept.all(), Kept(), None
            return self._riding

    def settle(self) -> None:
        """Forget what was taken: it is committed, or must not be tried again."""
        self._riding = []

    def put_back(self) -> None:
        """Undo ``take``, after a commit that failed."""
        with self._lock:
            came_since, self._kept = self._kept.all(), Kept()
            for delivery in (*self._riding, *came_since):
                self._kept.add(delivery)
            if self._riding and self._waiting_since is None:
                self._waiting_since = time.monotonic()
            self._riding = []

    def waiting(self) -> list[Delivery]:
        """Return what is not known to be committed, oldest first."""
        with self._lock:
            return [*self._riding, *self._kept.all()]


def told(stored: Sequence[Delivery], waiting: Iterable[Delivery] = ()) -> list[Delivery]:
    """Return deliveries as ``Ledger.deliveries`` tells them, newest first, attempts counted.

    Both arguments come oldest first.  What was committed between asking for ``waiting`` and
    reading ``stored`` is in both, and what was committed twice, unknowingly, twice in one.
    """
    kept: Counter[bool] = Counter()
    newest: list[Delivery] = []
    for delivery in reversed(dict.fromkeys((*stored, *waiting))):
        refused = delivery.outcome == REFUSED
        kept[refused] += 1
        if kept[refused] <= DELIVERIES_KEPT:
            newest.append(delivery)
    seen: Counter[bytes] = Counter()
    numbered = []
    for delivery in reversed(newest):
        if identity := delivery.identity:
            seen[identity] += 1
            if delivery.outcome == Outcome.DUPLICATE:
                # Its first delivery was taken, whether it is still kept or not.
                seen[identity] = max(2, seen[identity])
            delivery = delivery._replace(attempts=seen[identity])  # noqa: PLW2901 - its copy
        numbered.append(delivery)
    return numbered[::-1]
