"""Which deliveries are kept, and how they are shown: the newest of each kind.

Pure.  Two kinds: those that were taken, and those refused.
"""

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from heapq import merge
from itertools import count

from exporter.ledger.interface import DELIVERIES_KEPT, REFUSED, Delivery, Noted, Outcome


class Newest:
    """The newest deliveries of each kind; adding one more forgets the oldest."""

    def __init__(self) -> None:
        self._number = count()
        self._taken: deque[tuple[int, Noted]] = deque(maxlen=DELIVERIES_KEPT)
        self._refused: deque[tuple[int, Noted]] = deque(maxlen=DELIVERIES_KEPT)

    def add(self, noted: Noted) -> None:
        """Add a delivery."""
        kind = self._refused if noted.outcome == REFUSED else self._taken
        kind.append((next(self._number), noted))

    def all(self) -> list[Noted]:
        """Return all in the order in which they were added."""
        return [noted for _, noted in merge(self._taken, self._refused)]


def newest_first(stored: Iterable[Delivery], waiting: Iterable[Noted] = ()) -> Sequence[Delivery]:
    """Return the deliveries kept, newest first, their attempts counted.

    Both arguments come oldest first.  What was committed between asking for ``waiting`` and
    reading ``stored`` is in both, and what was committed twice, unknowingly, twice in one.
    """
    kept: Counter[bool] = Counter()
    newest: list[Delivery] = []
    once = dict.fromkeys((*stored, *(noted.delivery() for noted in waiting)))
    for delivery in reversed(once):
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
