"""The ledger in memory, with what tests of reconciliation and backfill ask of it."""

import time
from collections.abc import Callable

from exporter.ledger.history import KeptPush, StreamQuery
from exporter.ledger.memory import MemoryLedger
from exporter.metrics import catalogue
from exporter.metrics.families import Family
from exporter.protocol.vocabulary import Stream
from support.ledgers import numbers, value
from support.settings import LONG
from support.tencent.sending import entry_of
from support.tencent.world import Push


class ReadLedger(MemoryLedger):
    """A ledger whose numbers can be read at once."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        super().__init__(LONG, clock)

    def take(self, push: Push, kind: str = "push") -> None:
        """Record a callback of a push."""
        self.record(entry_of(push, kind), self._clock())

    def count(self, family: Family, *labels: str) -> int:
        """Return one number."""
        return value(self, family, *labels)

    def pushes(self) -> list[KeptPush]:
        """Return all pushes that are kept."""
        every = StreamQuery(limit=1000)
        return [
            push
            for row in self.streams(every).streams
            for push in self.pushes_of(row.push.stream, 1000).pushes
        ]

    def counted(self) -> dict[str, int]:
        """Return how many pushes and interruptions were counted."""
        families = {"push": catalogue.PUSHES.name, "interruption": catalogue.INTERRUPTIONS.name}
        shown = numbers(self)
        return {
            event: sum(shown[key] for key in shown if key[0] == name)
            for event, name in families.items()
        }

    def errors(self) -> dict[str, int]:
        """Return how many calls failed, by code."""
        name = catalogue.RECONCILIATION_ERRORS.name
        return {key[1]: number for key, number in numbers(self).items() if key[0] == name}

    def closed(self) -> list[KeptPush]:
        """Return the pushes that were closed without their interruption."""
        return [one for one in self.pushes() if not one.is_open and one.errcode is None]

    @property
    def active_streams(self) -> set[Stream]:
        """Return the active streams."""
        return {one.stream for one in self.open_pushes()}

    @property
    def active(self) -> set[str]:
        """Return their names."""
        return {stream_id for *_, stream_id in self.active_streams}
