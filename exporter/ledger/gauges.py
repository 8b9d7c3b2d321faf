"""The gauges that count a ledger's rows, and how to correct those that differ."""

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

import orjson
import structlog

from exporter.ledger.facts import CellKey, Numbers, Series
from exporter.ledger.interface import Cell, Snapshot
from exporter.ledger.limits import Limits
from exporter.metrics import catalogue
from exporter.metrics.entries import NAMELESS, Source

FAMILIES: Final = tuple(
    family.name
    for family in (
        catalogue.ACTIVE_STREAMS,
        catalogue.OPEN_PUSHES,
        catalogue.SOURCES,
        catalogue.SERIES,
    )
)
SOURCED: Final = tuple(one.name for one in catalogue.LEDGER_FAMILIES if one.sourced)
"""Families whose series ``max_series`` bounds."""

log = structlog.get_logger()


def counted(
    active: Iterable[tuple[str, str, int]], pushes: int, sources: int, series: int
) -> dict[CellKey, int]:
    """Return what the gauges must be; ``active`` has source (JSON), origin, streams."""
    found: dict[CellKey, int] = {
        (catalogue.ACTIVE_STREAMS.name, (*orjson.loads(source), origin), ""): streams
        for source, origin, streams in active
    }
    for family, rows in (
        (catalogue.OPEN_PUSHES, pushes),
        (catalogue.SOURCES, sources),
        (catalogue.SERIES, series),
    ):
        found[family.name, (), ""] = rows
    return found


def corrections(stored: Mapping[CellKey, int], rows: Mapping[CellKey, int]) -> Numbers:
    """Return what to add to the gauges that are stored."""
    now = time.time()
    return {
        key: (rows.get(key, 0) - stored.get(key, 0), now)
        for key in stored.keys() | rows.keys()
        if rows.get(key, 0) != stored.get(key, 0)
    }


def say(different: Numbers) -> None:
    """Log which gauges were put right, if any."""
    if different:
        log.warning("ledger.gauges_repaired", families=sorted({key[0] for key in different}))


def series_in(rows: Iterable[tuple[str, str]]) -> set[Series]:
    """Return the series of sources with labels of their own, of rows (family, labels in JSON)."""
    found: set[Series] = set()
    for family, text in rows:
        push_domain, app_name, *own = orjson.loads(text)
        if (push_domain, app_name) not in NAMELESS:
            found.add((family, (push_domain, app_name), tuple(own)))
    return found


def with_limits(snapshot: Snapshot, limits: Limits) -> Snapshot:
    """Return a snapshot with ``max_series``, beside the number of series that there are."""
    limit = Cell(catalogue.MAX_SERIES.name, (), "", limits.max_series, 0.0)
    return replace(snapshot, cells=[*snapshot.cells, limit])


def matching_sources(sources: Iterable[Source], push_domain: str, app_name: str) -> set[Source]:
    """Return the sources that match two patterns, in which ``*`` stands for any text."""
    patterns = [
        re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)
        for pattern in (push_domain, app_name)
    ]
    return {
        source
        for source in sources
        if all(one.fullmatch(text) for one, text in zip(patterns, source, strict=True))
    }
