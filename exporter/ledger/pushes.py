"""The pushes as they become while a plan is made.  Pure.

The first of a push's two events makes its row, the other completes it.  So any order gives the
same row, and a complete row recognises redeliveries of both.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final

from exporter.ledger.facts import PushRow, merged
from exporter.ledger.history import By
from exporter.metrics.entries import PushReport, Source
from exporter.protocol.vocabulary import Stream

JOIN_MS: Final = 60_000
"""By how much a push may have begun before the platform's list says so, in milliseconds."""


class Pushes:
    """The rows that were found, and how they change."""

    def __init__(self, found: Mapping[bytes, PushRow]) -> None:
        self._rows = dict(found)
        self._heard: dict[bytes, int] = {}
        self._changed: dict[bytes, PushRow] = {}
        self._joined: set[bytes] = set()
        self._open: dict[Stream, set[bytes]] = defaultdict(set)
        for identity, push in found.items():
            if push.is_open:
                self._open[push.stream].add(identity)
        self._before = {stream: self._newest_labels(stream) for stream in self._open}
        self.opened = 0
        """How many more pushes are open than before."""

    @property
    def changed(self) -> dict[bytes, PushRow]:
        """Return the rows to write."""
        return self._changed

    @property
    def joined(self) -> set[bytes]:
        """Return the rows to delete: other rows are the same pushes."""
        return self._joined

    @property
    def heard(self) -> dict[bytes, int]:
        """Return when pushes were heard of whose rows have nothing else that is new."""
        return self._heard

    def know(self, report: PushReport) -> bool:
        """Return whether a row has all that a report says."""
        row = self._rows.get(report.push)
        if row is None:
            return False
        return row.ended_by == By.INTERRUPTION if report.ends else row.begun_by == By.PUSH

    def has_ended(self, identity: bytes) -> bool:
        """Return whether the interruption of a push is known."""
        row = self._rows.get(identity)
        return row is not None and row.ended_by == By.INTERRUPTION

    def has_open(self, stream: Stream | None) -> bool:
        """Return whether a stream has an open push, or had one."""
        return stream in self._open

    def is_active(self, stream: Stream) -> bool:
        """Return whether a stream has an open push."""
        return bool(self._open.get(stream))

    def begin(
        self, report: PushReport, stream: Stream, source: Source, at_ms: int, now_ms: int
    ) -> None:
        """Write down a push event."""
        row = self._rows.get(report.push)
        if row is None:
            self._join(stream, at_ms + JOIN_MS)
            row = PushRow(
                stream, source, report.origin, at_ms, now_ms, By.PUSH.value, said=report.said
            )
        else:  # its interruption came first
            row = row._replace(
                stream=stream,
                source=source,
                origin=report.origin,
                began_at_ms=at_ms,
                heard_at_ms=now_ms,
                begun_by=By.PUSH.value,
                said=merged(row.said, report.said),
            )
        self._write(report.push, row)

    def end(
        self, report: PushReport, stream: Stream, source: Source, at_ms: int, now_ms: int
    ) -> None:
        """Write down an interruption."""
        row = self._rows.get(report.push)
        if row is None:
            self._join(stream, at_ms)
            began_at_ms = at_ms - (report.said.duration_ms or 0)
            row = PushRow(stream, source, report.origin, began_at_ms, now_ms, None)
        row = row._replace(
            heard_at_ms=now_ms,
            ended_at_ms=at_ms,
            ended_by=By.INTERRUPTION.value,
            said=merged(row.said, report.said),
        )
        self._write(report.push, row)

    def open(self, identity: bytes, push: PushRow) -> None:
        """Write down an open push of which nobody sent an event."""
        self._write(identity, push)

    def close(self, identity: bytes, by: By, at_ms: int) -> PushRow | None:
        """Close a push without its interruption if it is open, and return it."""
        row = self._rows.get(identity)
        if row is None or not row.is_open:
            return None
        self._write(identity, row._replace(ended_at_ms=at_ms, ended_by=by.value))
        return row

    def hear(self, stream: Stream, now_ms: int, exactness_ms: float) -> None:
        """Note that a stream's newest push is alive: what names only the stream is about that."""
        newest = self._newest(stream)
        if newest is None or abs(now_ms - self._rows[newest].heard_at_ms) <= exactness_ms:
            return
        if newest in self._changed:
            self._write(newest, self._rows[newest]._replace(heard_at_ms=now_ms))
        else:
            self._heard[newest] = now_ms

    def moves(self) -> Iterator[tuple[tuple[str, ...], int]]:
        """Yield (labels, 1 or -1) for each stream that has become active, or is no longer."""
        for stream in self._open:
            before, after = self._before.get(stream), self._newest_labels(stream)
            if before != after:
                if before:
                    yield before, -1
                if after:
                    yield after, 1

    def _join(self, stream: Stream, until_ms: int) -> None:
        """Delete the row that the platform's list made of this same push, if there is one."""
        for identity in self._open.get(stream, ()):
            row = self._rows[identity]
            if row.begun_by == By.RECONCILED and row.began_at_ms <= until_ms:
                self._open[stream].remove(identity)
                self.opened -= 1
                del self._rows[identity]
                self._changed.pop(identity, None)
                self._heard.pop(identity, None)
                self._joined.add(identity)
                return

    def _write(self, identity: bytes, row: PushRow) -> None:
        before = self._rows.get(identity)
        was_open = before is not None and before.is_open
        self._rows[identity] = self._changed[identity] = row
        self._heard.pop(identity, None)
        if was_open and not row.is_open:
            self._open[row.stream].remove(identity)
            self.opened -= 1
        elif row.is_open and not was_open:
            self._open[row.stream].add(identity)
            self.opened += 1

    def _newest(self, stream: Stream) -> bytes | None:
        """Return the newest open push of a stream."""
        own = self._open.get(stream, ())
        if len(own) <= 1:  # as nearly always
            return next(iter(own), None)
        return max(own, key=lambda identity: (self._rows[identity].began_at_ms, identity))

    def _newest_labels(self, stream: Stream) -> tuple[str, ...] | None:
        """Return the labels under which a stream is active."""
        newest = self._newest(stream)
        return (*self._rows[newest].source, self._rows[newest].origin) if newest else None
