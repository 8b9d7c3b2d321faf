"""Numbers of the shared ledger: their keys, their rows, what is added to them."""

from collections.abc import Set as AbstractSet
from hashlib import blake2b
from typing import Any, Final

import orjson

from exporter.ledger.facts import Numbers, Series
from exporter.ledger.gauges import SOURCED, series_in
from exporter.ledger.postgres.connection import Connection, Cursor, columns
from exporter.metrics import catalogue
from exporter.metrics.families import SUM

_ADD: Final = """
    INSERT INTO css_exporter.cell AS cell
    SELECT key, %b::smallint, family, labels, name, value, created_at
    FROM unnest(%b::bytea[], %b::text[], %b::text[], %b::text[], %b::numeric[], %b::float8[])
        AS sums(key, family, labels, name, value, created_at)
    ON CONFLICT (key, stripe) DO UPDATE SET value = """
_UPSERT_ADDED: Final = f"{_ADD} cell.value + excluded.value"
_UPSERT_LATEST: Final = f"{_ADD} greatest(cell.value, excluded.value)"
_SELECT_SERIES: Final = "SELECT family, labels FROM css_exporter.cell WHERE key = ANY(%b)"
_SELECT_ALL_SERIES: Final = """
    SELECT DISTINCT family, labels FROM css_exporter.cell WHERE family = ANY(%b)"""
_COUNT_SERIES: Final = (
    "SELECT coalesce(sum(value), 0)::bigint FROM css_exporter.cell WHERE key = %b"
)

_FIRST_CELL: Final = {
    name: SUM if catalogue.BY_NAME[name].kind == "histogram" else "" for name in SOURCED
}


def add(connection: Connection, numbers: Numbers, stripe: int) -> None:
    """Add to what is stored."""
    if numbers:
        connection.execute(_UPSERT_ADDED, (stripe, *columns(_rows(numbers))))


def keep_latest(connection: Connection, numbers: Numbers, stripe: int) -> None:
    """Store the numbers that are larger than those stored."""
    if numbers:
        connection.execute(_UPSERT_LATEST, (stripe, *columns(_rows(numbers))))


def ask_series(connection: Connection, series: AbstractSet[Series]) -> list[Cursor]:
    """Ask which of the series are stored, and how many there are; see ``series_of``."""
    if not series:
        return []
    keys = [
        # A histogram has its sum from its first event on.
        cell_key(family, encode((*source, *own)), _FIRST_CELL[family])
        for family, source, own in series
    ]
    count = cell_key(catalogue.SERIES.name, encode(()), "")
    return [
        connection.execute(_SELECT_SERIES, (keys,)),
        connection.execute(_COUNT_SERIES, (count,)),
    ]


def series_of(asked: list[Cursor], most: int) -> tuple[set[Series], int]:
    """Return which series are stored, and the room for more."""
    if not asked:
        return set(), 0
    found, count = asked
    return series_in(found), most - sum(count.fetchone() or ())


def stored_series(connection: Connection) -> set[Series]:
    """Return all series that are stored of sources with labels of their own."""
    return series_in(connection.execute(_SELECT_ALL_SERIES, (list(SOURCED),)))


def _rows(numbers: Numbers) -> list[tuple[Any, ...]]:
    """Return numbers as rows (key, family, labels, cell, value, created_at), in key order."""
    rows = []
    for (family, labels, cell), (value, created_at) in numbers.items():
        text = encode(labels)
        rows.append((cell_key(family, text, cell), family, text, cell, value, float(created_at)))
    return sorted(rows)


def encode(names: tuple[str, ...]) -> str:
    """Return names as they are stored."""
    return orjson.dumps(names).decode()


def key_of(text: str) -> bytes:
    """Return a digest of a text that may be too long for an index."""
    return blake2b(text.encode(), digest_size=16).digest()


def cell_key(family: str, labels: str, cell: str) -> bytes:
    """Return the key of a number."""
    return key_of(f"{family}\n{labels}\n{cell}")


def lock_of(key: bytes) -> int:
    """Return the advisory lock of a sequence or a stream."""
    return int.from_bytes(key[-8:], signed=True)
