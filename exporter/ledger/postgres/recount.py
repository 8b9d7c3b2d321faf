"""Compare the gauges that count rows with the rows, and correct them; see ``sqlite.recount``."""

from typing import Final

import orjson

from exporter.ledger.facts import Numbers
from exporter.ledger.gauges import FAMILIES, corrections, counted, say
from exporter.ledger.postgres.connection import LIMIT_TRANSACTION, Connection
from exporter.ledger.postgres.numbers import add, stored_series

_STORED: Final = """
    SELECT family, labels, sum(value)::bigint FROM css_exporter.cell WHERE family = ANY(%b)
    GROUP BY family, labels"""
_ACTIVE: Final = """
    SELECT source, origin, count(*) FROM (
        SELECT DISTINCT ON (stream_key) source, origin
        FROM css_exporter.push WHERE ended_at_ms IS NULL
        ORDER BY stream_key, began_at_ms DESC, identity DESC) AS newest
    GROUP BY source, origin"""
_COUNTS: Final = """
    SELECT (SELECT count(*) FROM css_exporter.push WHERE ended_at_ms IS NULL),
        (SELECT count(*) FROM css_exporter.source)"""
# In the order in which every transaction comes to them.
LOCK_TABLES: Final = """
    LOCK TABLE css_exporter.source, css_exporter.push, css_exporter.cell
    IN SHARE ROW EXCLUSIVE MODE"""
LOCK_CELLS: Final = """
    LOCK TABLE css_exporter.source, css_exporter.open_push, css_exporter.cell
    IN SHARE ROW EXCLUSIVE MODE"""
"""The same before version 3."""


def recount(connection: Connection) -> None:
    """Put right the gauges that differ; others wait only if there are any."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        connection.execute(LIMIT_TRANSACTION)
        if not _different(connection):
            return
    with connection.transaction():
        connection.execute(LIMIT_TRANSACTION)
        connection.execute(LOCK_TABLES)
        different = put_right(connection)
    say(different)


def put_right(connection: Connection) -> Numbers:
    """Put right the gauges that differ, and return what was added; the caller has locked."""
    different = _different(connection)
    add(connection, different, stripe=0)
    return different


def _different(connection: Connection) -> Numbers:
    """Return what to add to the gauges."""
    pushes, sources = connection.execute(_COUNTS).fetchone() or (0, 0)
    series = len(stored_series(connection))
    rows = counted(connection.execute(_ACTIVE), pushes, sources, series)
    stored = {
        (family, tuple(orjson.loads(labels)), ""): value
        for family, labels, value in connection.execute(_STORED, (list(FAMILIES),))
    }
    return corrections(stored, rows)
