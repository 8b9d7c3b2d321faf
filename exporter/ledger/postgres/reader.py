"""The shared ledger's reading side."""

import threading
from collections.abc import Callable, Collection
from functools import partial
from itertools import islice
from typing import Final

import orjson

from exporter.ledger import dropped, watching
from exporter.ledger.changes import OpenPush
from exporter.ledger.history import KnownPushes, StreamHistory, StreamPage, StreamQuery
from exporter.ledger.interface import Cell, Delivery, Snapshot
from exporter.ledger.limits import Limits
from exporter.ledger.postgres import history, states
from exporter.ledger.postgres.admission import SELECT_WATCHED, streams_in
from exporter.ledger.postgres.connection import Connection, Session, begin_reading
from exporter.ledger.postgres.deliveries import ask_for_deliveries
from exporter.ledger.postgres.schema import prepare
from exporter.metrics.catalogue import BY_NAME
from exporter.protocol.vocabulary import Stream

STREAMS_STEP: Final = 500
"""Of how many streams all pushes are read in one transaction."""

_SELECT_CELLS: Final = """
    SELECT min(family), min(labels), min(cell), sum(value), max(value), min(created_at)
    FROM css_exporter.cell GROUP BY key"""
_SELECT_OLDEST: Final = """
    SELECT min(began_at_ms), extract(epoch FROM clock_timestamp())::float8
    FROM css_exporter.push WHERE ended_at_ms IS NULL"""


class PostgresReader:
    """The reading side: one connection, for any thread."""

    def __init__(
        self, url: str, limits: Limits, look: Callable[[Connection], None] = prepare
    ) -> None:
        """``look`` is at each new connection; see ``Session``."""
        self._limits = limits
        self._lock = threading.Lock()
        self._session = Session(url, look)

    def snapshot(self) -> Snapshot:
        """Return all that is committed; see ``Ledger.snapshot``."""
        with self._lock:
            return self._session.run(lambda connection: _snapshot(connection, self._limits))

    def deliveries(self) -> list[Delivery]:
        """Return the committed deliveries, oldest first."""
        with self._lock:
            return self._session.run(_deliveries)

    def open_pushes(self) -> list[OpenPush]:
        """Return all open pushes."""
        with self._lock:
            return self._session.run(states.open_pushes)

    def streams(self, query: StreamQuery) -> StreamPage:
        """Return a page of streams; see ``Ledger.streams``."""
        with self._lock:
            return self._session.run(lambda one: history.streams(one, self._limits, query))

    def pushes_of(self, stream: Stream, most: int) -> StreamHistory:
        """Return the pushes of a stream; see ``Ledger.pushes_of``."""
        with self._lock:
            return self._session.run(
                lambda one: history.pushes_of(one, self._limits, stream, most)
            )

    def known_pushes(self, streams: Collection[Stream]) -> KnownPushes:
        """Return all pushes kept of some streams; see ``Ledger.known_pushes``.

        A step at a time, as a transaction must not last.  If pushes are forgotten between two
        steps, the later step says so.
        """
        left = iter(streams)
        steps = []
        while step := list(islice(left, STREAMS_STEP)):
            with self._lock:
                steps.append(self._session.run(partial(history.known_pushes, streams=step)))
        pushes = [push for one in steps for push in one.pushes]
        return KnownPushes(pushes, max((one.complete_since_ms for one in steps), default=0))

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._session.close()


def _snapshot(connection: Connection, limits: Limits) -> Snapshot:
    with connection.together() as pipeline:
        begin_reading(connection)
        numbers = connection.execute(_SELECT_CELLS)
        oldest = connection.execute(_SELECT_OLDEST)
        remembered = connection.execute(SELECT_WATCHED)
        pipeline.sync()
        began_at_ms, now = oldest.fetchone() or (None, 0.0)
        streams = watching.streams_with_series(limits, streams_in(remembered))
        found = states.ask_for_dropped(connection, limits, now)
        active = states.ask_for_active(connection, streams)
        connection.commit_now()
    cells = [
        Cell(
            family,
            tuple(orjson.loads(labels)),
            cell,
            int(largest if BY_NAME[family].latest else added),
            created_at,
        )
        for family, labels, cell, added, largest, created_at in numbers
        if family in BY_NAME
    ]
    cells = watching.watched_cells(cells, streams, states.active_of(active))
    cells += dropped.dropped_cells(found, cells)
    return Snapshot(cells, None if began_at_ms is None else began_at_ms / 1000)


def _deliveries(connection: Connection) -> list[Delivery]:
    with connection.together():
        begin_reading(connection)
        found = ask_for_deliveries(connection)
        connection.commit_now()
    return [Delivery(*row) for row in found]
