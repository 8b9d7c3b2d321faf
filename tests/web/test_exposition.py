"""The text of a scrape: what the client library would write, and when a series begins at 0."""

from collections.abc import Iterable
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from support.families import families_of

from exporter.ledger import Cell, Snapshot
from exporter.metrics import catalogue
from exporter.metrics.families import SUM, Family
from exporter.web.exposition import Showing, pieces_of, shown_until

NOW = 1_790_000_000.0
FAMILIES = [
    one
    for one in catalogue.LEDGER_FAMILIES
    if one not in (catalogue.ERRCODE_INFO, catalogue.OLDEST_OPEN_PUSH)
]


@st.composite
def cells(draw: st.DrawFn) -> Cell:
    """Return any cell that the catalogue allows, of sources with any names."""
    family: Family = draw(st.sampled_from(FAMILIES))
    own = tuple(
        draw(st.sampled_from(values) if values else st.text(max_size=9))
        for values in family.labels.values()
    )
    source = (draw(st.text(max_size=9)), draw(st.text(max_size=9))) if family.sourced else ()
    names = (*family.cells, SUM) if family.kind == "histogram" else ("",)
    name = draw(st.sampled_from(names))
    value = draw(st.integers(0, 2**53))
    return Cell(family.name, (*source, *own), name, value, NOW - 1000)


def snapshots() -> st.SearchStrategy[Snapshot]:
    """Return snapshots in which no cell is twice."""
    unique = st.lists(cells(), max_size=30, unique_by=lambda cell: cell[:3])
    return st.builds(Snapshot, unique, st.none() | st.floats(0, 2**33))


def library(families: Iterable[Metric], *, openmetrics: bool) -> str:
    """Return what the client library writes."""
    registry = SimpleNamespace(collect=lambda: families)
    encode = generate_openmetrics if openmetrics else generate_latest
    return encode(registry).decode().removesuffix("# EOF\n")


@settings(deadline=None)
@given(snapshots(), st.booleans(), st.booleans())
def test_a_page_is_what_the_client_library_writes(
    snapshot: Snapshot, openmetrics: bool, created: bool
) -> None:
    """Every line of any ledger is written as the library writes it, in both formats."""
    created = created and openmetrics
    showing = Showing(openmetrics=openmetrics, created=created)
    found = b"".join(pieces_of(snapshot, NOW, showing)).decode()
    families = families_of(snapshot, created=created)
    assert found == library(families, openmetrics=openmetrics)


def series(created_at: float, shown_at: float = 0) -> Snapshot:
    """Return a ledger with one push, and perhaps a scrape before."""
    push = Cell(catalogue.PUSHES.name, ("d", "a", "mainland"), "", 7, created_at)
    (at,) = catalogue.LAST_SCRAPE.at(shown_at)
    return Snapshot([push, Cell(at.family, (), "", at.amount, shown_at)], None)


def value(snapshot: Snapshot, now: float, shown: float = 0) -> float:
    """Return the number of pushes that a scrape at ``now`` shows."""
    page = b"".join(pieces_of(snapshot, now, Showing(zero_seconds=75, shown_until=shown)))
    [line] = [
        line
        for line in page.decode().splitlines()
        if line.startswith(f"{catalogue.PUSHES.name}{{")
    ]
    return float(line.split()[-1])


@pytest.mark.parametrize(("age", "expected"), [(0, 0), (74, 0), (75, 7), (1000, 7), (-5, 7)])
def test_a_young_series_is_shown_at_zero(age: float, expected: float) -> None:
    """For its first seconds a series is 0; one from the future is not waited for."""
    assert value(series(NOW), NOW + age) == expected


@settings(deadline=None)
@given(st.lists(st.floats(-200, 200), min_size=2, max_size=12), st.floats(-200, 200))
def test_no_series_is_shown_at_zero_again(steps: list[float], created: float) -> None:
    """However clocks jump between scrapes, of one machine or of replicas: never 7, then 0."""
    until, seen = 0.0, False
    for step in steps:
        now = NOW + step
        snapshot = series(NOW + created, until)
        assert shown_until(snapshot, ()) == pytest.approx(until, abs=0.001)
        showing = Showing(zero_seconds=75, shown_until=shown_until(snapshot, ()))
        shown = value(snapshot, now, showing.shown_until)
        assert shown == 7 or not seen
        seen = seen or shown == 7
        until = showing.shown_until_after(snapshot, now)


def test_a_large_page_comes_in_small_pieces() -> None:
    """30,000 series are never one text."""
    many = [
        Cell(catalogue.SCREENCAPTURES.name, (f"d{number}", "a"), "", number, NOW - 100)
        for number in range(30_000)
    ]
    sizes = [len(piece) for piece in pieces_of(Snapshot(many, None), NOW, Showing())]
    assert sum(sizes) > 2_000_000
    assert max(sizes) < 100_000
