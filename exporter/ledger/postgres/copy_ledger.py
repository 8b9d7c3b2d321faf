"""Moving the embedded ledger to PostgreSQL: everything in one transaction, or nothing."""

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import psycopg

from exporter.ledger.interface import Delivery, UnusableLedger
from exporter.ledger.postgres.connection import Connection, parameters_of, unavailable
from exporter.ledger.postgres.numbers import cell_key, key_of
from exporter.ledger.postgres.schema import TABLE_NAMES, prepare
from exporter.ledger.rows import ROW
from exporter.ledger.sqlite.alone import alone

Rows = Iterable[tuple[Any, ...]]

_DELIVERY: Final = ", ".join(Delivery._fields[:-1])
_PUSH: Final = ", ".join(ROW)
_STEP: Final = 1000

# Table of the target, its columns, the query of the source, and what becomes of its rows.
_COPIES: Final[tuple[tuple[str, str, str, Callable[[Rows], Rows]], ...]] = (
    (
        "identity",
        "identity, seen_at",
        "SELECT identity, seen_at FROM identity ORDER BY receipt",
        iter,
    ),
    (
        "source",
        "key, source",
        "SELECT source FROM source",
        lambda rows: ((key_of(source), source) for (source,) in rows),
    ),
    (
        "watched",
        "key, stream",
        "SELECT stream FROM watched ORDER BY watched",
        lambda rows: ((key_of(stream), stream) for (stream,) in rows),
    ),
    (
        "push",
        f"identity, stream_key, {_PUSH}",
        f"SELECT identity, {_PUSH} FROM push ORDER BY push",  # noqa: S608 - our own names
        lambda rows: (
            (identity, key_of(stream), stream, *rest) for identity, stream, *rest in rows
        ),
    ),
    (
        "pruned",
        "id, until_ms",
        "SELECT id, until_ms FROM pruned",
        iter,
    ),
    (
        "cell",
        "key, stripe, family, labels, cell, value, created_at",
        "SELECT family, labels, cell, value, created_at FROM cell",
        lambda rows: ((cell_key(*row[:3]), 0, *row) for row in rows),
    ),
    (
        "delivery",
        _DELIVERY,
        f"SELECT {_DELIVERY} FROM delivery ORDER BY id",  # noqa: S608 - our own names
        iter,
    ),
)


def copy_ledger(path: Path, url: str, begin: Callable[[int], Callable[[int], None]]) -> int:
    """Copy a SQLite ledger that nobody uses to an empty PostgreSQL one; return the rows.

    ``begin`` is called with the number of rows, and returns what is called with the number of
    those copied since the last call.
    Raises ``UnusableLedger`` and ``LedgerUnavailable``; then nothing was copied.
    """
    with alone(path) as source:
        total = sum(_count(source, table) for table, *_ in _COPIES)
        try:
            parameters = parameters_of(url) | {"application_name": "css-exporter copy"}
            with closing(
                Connection.connect(**parameters, autocommit=True, prepare_threshold=None)
            ) as target:
                prepare(target)
                with target.transaction():
                    _refuse_used(target)
                    _copy_tables(source, target, begin(total))
        except psycopg.Error as error:
            raise unavailable(error) from error
    return total


def _refuse_used(target: Connection) -> None:
    """Keep others from the target, and refuse it if they have used it."""
    for table in TABLE_NAMES:
        target.execute(f"LOCK TABLE css_exporter.{table}")
        if target.execute(f"SELECT FROM css_exporter.{table} LIMIT 1").fetchall():
            raise UnusableLedger(
                f"the target is not empty (table css_exporter.{table}): copy to a new one"
                " before any exporter uses it"
            )


def _copy_tables(
    source: sqlite3.Connection, target: Connection, progress: Callable[[int], None]
) -> None:
    for table, columns, query, turn in _COPIES:
        statement = f"COPY css_exporter.{table} ({columns}) FROM STDIN"
        written = 0
        with target.cursor().copy(statement) as target_rows:
            for row in turn(source.execute(query)):
                target_rows.write_row(row)
                written += 1
                if written % _STEP == 0:
                    progress(_STEP)
        progress(written % _STEP)


def _count(source: sqlite3.Connection, table: str) -> int:
    (rows,) = source.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 - ours
    return int(rows)
