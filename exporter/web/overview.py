"""What the landing page says of a snapshot.

Pure.
"""

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from exporter.ledger import Snapshot
from exporter.metrics import catalogue
from exporter.protocol import vocabulary
from exporter.protocol.events import EVENT_NAMES


class EventRow(NamedTuple):
    """What was received of one event; ``last_at`` is in Unix seconds."""

    event: str
    last_at: float
    callbacks: int
    duplicates: int


@dataclass(frozen=True, slots=True)
class Overview:
    """The numbers of the landing page."""

    events: list[EventRow]
    unseen: list[str]
    streams: dict[str, int]
    refusals: dict[str, int]
    open_pushes: int
    sources: int

    @property
    def last_at(self) -> float | None:
        """Return when the last callback was received, in Unix seconds."""
        return max((row.last_at for row in self.events), default=None)

    @property
    def callbacks(self) -> int:
        """Return how many callbacks were counted."""
        return sum(row.callbacks for row in self.events)

    @property
    def active_streams(self) -> int:
        """Return how many streams are active."""
        return sum(self.streams.values())

    @property
    def refused(self) -> int:
        """Return how many callbacks were refused."""
        return sum(self.refusals.values())


def overview_of(snapshot: Snapshot) -> Overview:
    """Return what a snapshot says; events newest first, refusals most frequent first."""
    sums: dict[str, Counter[str]] = {}
    for cell in snapshot.cells:
        # Each of these families has one label of its own, the last, or none.
        label = cell.labels[-1] if cell.labels else ""
        sums.setdefault(cell.family, Counter())[label] += cell.value

    def by_label(name: str) -> Counter[str]:
        return sums.get(name, Counter())

    last = by_label(catalogue.LAST_CALLBACK.name)
    callbacks = by_label(catalogue.CALLBACKS.name)
    duplicates = by_label(catalogue.DUPLICATES.name)
    events = [
        EventRow(event, at / catalogue.LAST_CALLBACK.scale, callbacks[event], duplicates[event])
        for event, at in last.most_common()
    ]
    streams = by_label(catalogue.ACTIVE_STREAMS.name)
    return Overview(
        events=events,
        unseen=[event for event in EVENT_NAMES if event not in last],
        streams={origin: streams[origin] for origin in vocabulary.ORIGINS},
        refusals={
            reason: count
            for reason, count in by_label(catalogue.REJECTIONS.name).most_common()
            if count
        },
        open_pushes=by_label(catalogue.OPEN_PUSHES.name)[""],
        sources=by_label(catalogue.SOURCES.name)[""],
    )
