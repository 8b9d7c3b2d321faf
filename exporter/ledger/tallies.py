"""Increments that wait in memory for a commit to ride with."""

import threading
import time
from collections.abc import Iterable, Sequence

from exporter.metrics.catalogue import BY_NAME
from exporter.metrics.families import Increment


class Tallies:
    """A bounded sum of increments: one number for each cell of a closed set.

    Adding is cheap enough for every refusal of a flood.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._amounts: dict[tuple[str, tuple[str, ...], str], int] = {}
        self._waiting_since: float | None = None

    def add(self, increments: Iterable[Increment], *, urgent: bool = True) -> None:
        """Add increments; those that are not ``urgent`` wait for another commit forever."""
        with self._lock:
            for family, labels, cell, amount in increments:
                key = (family, labels, cell)
                before = self._amounts.get(key)
                if before is None:
                    self._amounts[key] = amount
                elif BY_NAME[family].latest:
                    self._amounts[key] = max(before, amount)
                else:
                    self._amounts[key] = before + amount
            if urgent and self._waiting_since is None:
                self._waiting_since = time.monotonic()

    def overdue(self, seconds: float) -> bool:
        """Return whether an urgent increment has waited for so long."""
        with self._lock:
            since = self._waiting_since
        return since is not None and time.monotonic() - since >= seconds

    def take(self) -> Sequence[Increment]:
        """Return all increments and forget them."""
        with self._lock:
            amounts, self._amounts = self._amounts, {}
            self._waiting_since = None
        return [Increment(*key, amount) for key, amount in amounts.items()]

    def put_back(self, increments: Sequence[Increment]) -> None:
        """Undo ``take``, after a commit that failed."""
        self.add(increments, urgent=bool(increments))
