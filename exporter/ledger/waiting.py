"""What waits in memory for a commit to ride with: tallies and deliveries, both bounded."""

import threading
import time
from collections.abc import Iterable, Sequence

from exporter.ledger.deliveries import Newest
from exporter.ledger.interface import Noted
from exporter.metrics.catalogue import BY_NAME
from exporter.metrics.families import Increment

Amounts = dict[tuple[str, tuple[str, ...], str], int]
"""(family, labels, cell) -> amount: one number for each cell of a closed set."""


class Waiting:
    """Tallies and deliveries on their way into the ledger.

    Adding is cheap enough for every refusal of a flood.  The committing thread takes what
    waits with ``take``, then says with ``settle`` or ``put_back`` what became of it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._amounts: Amounts = {}
        self._newest = Newest()
        self._tallied_at: float | None = None
        self._noted_at: float | None = None
        self._riding_amounts: Amounts = {}
        self._riding_notes: Sequence[Noted] = ()

    def tally(self, increments: Iterable[Increment], *, urgent: bool = True) -> None:
        """Add increments; those that are not ``urgent`` wait for another commit forever."""
        with self._lock:
            _add(self._amounts, increments)
            if urgent and self._tallied_at is None:
                self._tallied_at = time.monotonic()

    def note(self, noted: Noted) -> None:
        """Add a delivery."""
        with self._lock:
            self._newest.add(noted)
            if self._noted_at is None:
                self._noted_at = time.monotonic()

    def tallies_waited(self, seconds: float) -> bool:
        """Return whether an urgent increment has waited for so long."""
        return _waited(self._tallied_at, seconds)

    def notes_waited(self, seconds: float) -> bool:
        """Return whether a delivery has waited for so long."""
        return _waited(self._noted_at, seconds)

    def take(self, *, notes: bool) -> tuple[Sequence[Increment], Sequence[Noted]]:
        """Return all increments and, if wanted, all deliveries, oldest first, for a commit.

        Deliveries are left for one commit in a while: most are not among the newest for long.
        """
        with self._lock:
            self._riding_amounts, self._amounts = self._amounts, {}
            self._tallied_at = None
            if notes:
                self._riding_notes, self._newest = self._newest.all(), Newest()
                self._noted_at = None
            return _increments(self._riding_amounts), self._riding_notes

    def settle(self) -> None:
        """Forget what was taken: it is committed."""
        with self._lock:
            self._riding_amounts, self._riding_notes = {}, ()

    def put_back(self, *, notes: bool = True) -> None:
        """Undo ``take``, after a commit that failed; deliveries only if worth another try."""
        with self._lock:
            now = time.monotonic()
            if self._riding_amounts:
                _add(self._amounts, _increments(self._riding_amounts))
                self._tallied_at = self._tallied_at or now
            if self._riding_notes and notes:
                came_since, self._newest = self._newest.all(), Newest()
                for noted in (*self._riding_notes, *came_since):
                    self._newest.add(noted)
                self._noted_at = self._noted_at or now
            self._riding_amounts, self._riding_notes = {}, ()

    def tallies(self) -> Sequence[Increment]:
        """Return the increments that are not known to be committed."""
        with self._lock:
            amounts = dict(self._riding_amounts)
            _add(amounts, _increments(self._amounts))
        return _increments(amounts)

    def notes(self) -> Sequence[Noted]:
        """Return the deliveries that are not known to be committed, oldest first."""
        with self._lock:
            return [*self._riding_notes, *self._newest.all()]


def _add(amounts: Amounts, increments: Iterable[Increment]) -> None:
    for family, labels, cell, amount in increments:
        key = (family, labels, cell)
        before = amounts.get(key)
        if before is None:
            amounts[key] = amount
        elif BY_NAME[family].latest:
            amounts[key] = max(before, amount)
        else:
            amounts[key] = before + amount


def _increments(amounts: Amounts) -> list[Increment]:
    return [Increment(*key, amount) for key, amount in amounts.items()]


def _waited(since: float | None, seconds: float) -> bool:
    return since is not None and time.monotonic() - since >= seconds
