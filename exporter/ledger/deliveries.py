"""Which deliveries are kept, and how they are shown: the newest of each class.

Pure.  The classes are those of the events (``DELIVERY_CLASSES``), and the refused ones.
"""

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from heapq import merge
from itertools import count
from typing import Final

from exporter.ledger.interface import DELIVERIES_KEPT, REFUSED, Delivery, Noted, Outcome
from exporter.protocol.events import DELIVERY_CLASSES

CLASSES: Final = (*DELIVERY_CLASSES, REFUSED)
OTHERS: Final = "others"
_BY_EVENT: Final[Mapping[str | None, str]] = {
    event: name for name, events in DELIVERY_CLASSES.items() for event in events
}


def class_of(noted: Noted) -> str:
    """Return the class with which a delivery is kept."""
    return REFUSED if noted.outcome == REFUSED else _BY_EVENT.get(noted.event, OTHERS)


def condition_of(name: str) -> str:
    """Return the condition in SQL that a row is of a class."""
    if name == REFUSED:
        return f"outcome = '{REFUSED}'"
    named = name != OTHERS
    events = [event for event, own in _BY_EVENT.items() if (own == name) == named]
    listed = ", ".join(f"'{event}'" for event in events)
    one = f"event IN ({listed})" if named else f"(event IS NULL OR event NOT IN ({listed}))"
    return f"outcome <> '{REFUSED}' AND {one}"


class Newest:
    """The newest deliveries of each class; adding one more forgets the oldest."""

    def __init__(self) -> None:
        self._number = count()
        self._kept: dict[str, deque[tuple[int, Noted]]] = {
            name: deque(maxlen=DELIVERIES_KEPT) for name in CLASSES
        }

    def add(self, noted: Noted) -> None:
        """Add a delivery."""
        self._kept[class_of(noted)].append((next(self._number), noted))

    def all(self) -> list[Noted]:
        """Return all in the order in which they were added."""
        return [noted for _, noted in merge(*self._kept.values())]


def newest_first(stored: Iterable[Delivery], waiting: Iterable[Noted] = ()) -> Sequence[Delivery]:
    """Return the deliveries kept, newest first, their attempts counted.

    Both arguments come oldest first.  A delivery may be in both, if it was committed between
    asking for ``waiting`` and reading ``stored``; it may be in ``stored`` twice, if the answer to
    its commit was lost.
    """
    kept: Counter[str] = Counter()
    newest: list[Delivery] = []
    once = dict.fromkeys((*stored, *(noted.delivery() for noted in waiting)))
    for delivery in reversed(once):
        name = class_of(delivery)
        kept[name] += 1
        if kept[name] <= DELIVERIES_KEPT:
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
