"""Compare the gauges that count rows with the rows, and correct them; in the caller's transaction.

They change with the rows, in the same transactions.  Should they differ all the same, by
a fault of ours or of somebody who edited the file, a start puts them right: else a gauge would be
wrong for ever, since later events only add to it.
"""

import sqlite3
from typing import Final

import orjson

from exporter.ledger.facts import Numbers
from exporter.ledger.gauges import FAMILIES, corrections, counted
from exporter.ledger.sqlite.tables import add, stored_series

_STORED: Final = f"""
    SELECT family, labels, value FROM cell WHERE family IN ({", ".join("?" * len(FAMILIES))})"""  # noqa: S608 - marks
_ACTIVE: Final = """
    SELECT source, origin, count(*) FROM (
        SELECT source, origin, row_number() OVER (
            PARTITION BY stream ORDER BY began_at_ms DESC, identity DESC) AS place
        FROM push WHERE ended_at_ms IS NULL)
    WHERE place = 1 GROUP BY source, origin"""


def recount(connection: sqlite3.Connection) -> Numbers:
    """Put right the gauges that differ, and return what was added to them.

    One pass over the open pushes and the series.
    """
    (pushes,) = connection.execute(
        "SELECT count(*) FROM push WHERE ended_at_ms IS NULL"
    ).fetchone()
    (sources,) = connection.execute("SELECT count(*) FROM source").fetchone()
    series = len(stored_series(connection))
    rows = counted(connection.execute(_ACTIVE), pushes, sources, series)
    stored = {
        (family, tuple(orjson.loads(labels)), ""): value
        for family, labels, value in connection.execute(_STORED, FAMILIES)
    }
    different = corrections(stored, rows)
    add(connection, different)
    return different
