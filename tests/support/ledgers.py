"""Ledgers of every kind for the conformance suite, and what to compare of them.

A further kind is one more item of ``KINDS``.
"""

import atexit
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from exporter.ledger import Ledger, LedgerUnavailable, Limits, Outcome, open_ledger
from exporter.ledger.memory import MemoryLedger
from exporter.metrics import catalogue
from exporter.metrics.entries import Entry, entry_for
from exporter.metrics.families import Family
from exporter.protocol.events import parse
from support.packets import packet
from support.postgres import Postgres
from support.settings import LONG

Open = Callable[..., Ledger]
"""Opens the storage, again the same one, with ``Limits`` or their fields."""

Numbers = dict[tuple[str, ...], int]
"""(family, label values..., cell) -> value."""


class Kind(NamedTuple):
    """How to get at ledgers of one kind; ``durable``: closed and opened again it is the same."""

    opener: Callable[[Path], Callable[[Limits], Ledger]]
    durable: bool = True


def _memory(_directory: Path) -> Callable[[Limits], Ledger]:
    return MemoryLedger


def _sqlite(directory: Path) -> Callable[[Limits], Ledger]:
    url = f"sqlite:///{directory / 'ledger.sqlite'}"
    return lambda limits: open_ledger(url, limits)


_server: list[Postgres] = []


def postgres_server() -> Postgres:
    """Return the server of this test run, started at first use."""
    if not _server:
        server = Postgres()
        atexit.register(server.__exit__)
        _server.append(server.__enter__())
    return _server[0]


def _postgres(_directory: Path) -> Callable[[Limits], Ledger]:
    url = postgres_server().only_database()
    return lambda limits: open_ledger(url, limits)


KINDS = {
    "memory": Kind(_memory, durable=False),
    "sqlite": Kind(_sqlite),
    "postgres": Kind(_postgres),
}


@contextmanager
def opening(kind: str, directory: Path) -> Iterator[Open]:
    """Yield what opens one storage of a kind; all that it opened is closed at the end."""
    opener = KINDS[kind].opener(directory)
    with ExitStack() as stack:

        def open_it(**limits: Any) -> Ledger:
            ledger = opener(replace(LONG, **limits))
            stack.callback(ledger.close)
            return ledger

        yield open_it


def entry(name: str, **fields: Any) -> Entry:
    """Return the entry of a sample packet with fields replaced."""
    return entry_for(parse(packet(name, **fields)))


_OF_THE_STORE = {
    catalogue.COMMIT_SECONDS.name,
    catalogue.SCRAPE_SECONDS.name,
    catalogue.MAX_SERIES.name,
}


def numbers(ledger: Ledger, *without: str) -> Numbers:
    """Return every number that is not 0, but those of the store's own work and limits.

    ``without`` names families to leave out.
    """
    found: Numbers = {}
    for family, labels, cell, value, _ in ledger.snapshot().cells:
        if value and family not in _OF_THE_STORE and family not in without:
            found[family, *labels, cell] = value
    return found


def value(ledger: Ledger, family: Family, *labels: str, cell: str = "") -> int:
    """Return one number, 0 if there is none."""
    return numbers(ledger).get((family.name, *labels, cell), 0)


def deliver(ledger: Ledger, one: Entry, now: float) -> Outcome:
    """Record as the sender does: again and again until it is taken."""
    for _ in range(60):
        try:
            return ledger.record(one, now).outcome
        except LedgerUnavailable:
            time.sleep(0.3)
    raise TimeoutError
