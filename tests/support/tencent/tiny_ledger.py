"""The shortest ledger that backfill can work with."""

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from exporter.ledger import Outcome, Posting, Receipt, Settled
from exporter.ledger.history import Known, KnownPush
from exporter.metrics.entries import Entry
from exporter.metrics.families import Increment
from exporter.tencent.reading import Stream

JOIN_MS = 60_000


@dataclass
class Row:
    """One push; it is open while ``ended_at_ms`` is None."""

    identity: bytes
    stream: Stream
    origin: str
    began_at_ms: int
    heard_at_ms: int
    begun_by: str | None
    interruption: bytes | None = None
    sequence: str | None = None
    ended_at_ms: int | None = None
    ended_by: str | None = None


class TinyLedger:
    """Rows and counts in memory; ``clock`` is the ledger's own."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.rows: dict[bytes, Row] = {}
        self.counts: Counter[tuple[str, ...]] = Counter()
        self.complete_since_ms = 0
        self._clock = clock
        self._lock = threading.RLock()

    def record(self, entry: Entry, now: float) -> Receipt:
        """Record an entry."""
        report, stream, at_ms = entry.report, entry.stream, entry.occurred_at_ms
        assert report
        assert stream
        assert at_ms
        with self._lock:
            row = self.rows.get(report.push)
            if row and (row.ended_by if report.ends else row.begun_by) == entry.event:
                self.tally(entry.counts_again())
                return Receipt(Outcome.DUPLICATE)
            self.tally(entry.counts_at(now))
            if row is None:
                self._join(stream, at_ms + (0 if report.ends else JOIN_MS))
                began_at_ms = at_ms - (report.said.duration_ms or 0)
                row = Row(report.push, stream, report.origin, began_at_ms, int(now * 1000), None)
                self.rows[report.push] = row
            row.interruption = report.interruption
            row.sequence = report.said.sequence or row.sequence
            if report.ends:
                row.ended_by, row.ended_at_ms = entry.event, at_ms
                return Receipt(Outcome.ACCEPTED)
            row.begun_by, row.began_at_ms = entry.event, at_ms
            return Receipt(Outcome.LATE if row.ended_at_ms else Outcome.ACCEPTED)

    def submit(self, postings: Sequence[Posting], settled: Settled) -> None:
        """Record a group of entries."""
        settled([self.record(*posting) for posting in postings])

    def tally(self, increments: Iterable[Increment]) -> None:
        """Count."""
        with self._lock:
            for family, labels, cell, amount in increments:
                self.counts[family, *labels, cell] += amount

    def open_streams(self) -> Mapping[Stream, Sequence[Row]]:
        """Return copies of the open rows."""
        with self._lock:
            found: dict[Stream, list[Row]] = {}
            for row in self.rows.values():
                if row.ended_at_ms is None:
                    found.setdefault(row.stream, []).append(Row(**vars(row)))
            return found

    def known_pushes(self, streams: Collection[Stream]) -> Known:
        """Return the rows of some streams."""
        with self._lock:
            rows = [row for row in self.rows.values() if row.stream in streams]
            known = [
                KnownPush(*(getattr(row, name) for name in KnownPush._fields)) for row in rows
            ]
            return Known(known, self.complete_since_ms)

    @property
    def _now_ms(self) -> int:
        return int(self._clock() * 1000)

    def _join(self, stream: Stream, until_ms: int) -> None:
        for row in self.open_streams().get(stream, ()):
            if row.begun_by == "reconciled" and row.began_at_ms <= until_ms:
                del self.rows[row.identity]
                return
