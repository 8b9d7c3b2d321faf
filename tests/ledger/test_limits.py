"""What every ledger promises of its limits: so many sources, so many series, the rest is other."""

from support.ledgers import Numbers, Open, entry, numbers, value
from support.packets import SOURCE, all_packets

from exporter.ledger import Ledger
from exporter.metrics import catalogue as c
from exporter.metrics.entries import entry_for
from exporter.protocol.events import parse

ACTIVE = c.ACTIVE_STREAMS
PUSH = entry("push")
STORED = {family.name for family in c.LEDGER_FAMILIES if family.sourced} - {c.DROPPED_STREAMS.name}
"""Families of sources whose series are stored; dropped streams are worked out from the rows."""


def test_sources_beyond_the_limit_count_under_other(open_ledger: Open) -> None:
    """``max_sources`` pairs have labels of their own, later ones share ``other``."""
    ledger = open_ledger(max_sources=2)
    for number in range(4):
        domain = f"d{number}.example"
        ledger.record(entry("push", sequence=f"s{number}", app=domain), 1790000001)
    ledger.record(entry("recording", app="d0.example"), 1790000002)
    ledger.record(entry("subtitles"), 1790000002)  # no source label, no source
    shown = {key[1] for key in numbers(ledger) if key[0] == c.PUSHES.name}
    assert shown == {"d0.example", "d1.example", "other"}
    assert value(ledger, c.PUSHES, "other", "other", "mainland") == 2
    assert value(ledger, ACTIVE, "other", "other", "mainland") == 2
    assert value(ledger, c.RECORDINGS, "d0.example", "stage", "hls") == 1
    assert value(ledger, c.OVERFLOWED_SOURCES) == 2
    assert value(ledger, c.SOURCES) == 2
    for number in range(4):
        domain = f"d{number}.example"
        ledger.record(entry("interruption", sequence=f"s{number}", app=domain), 1790000003)
    assert value(ledger, ACTIVE, "other", "other", "mainland") == 0
    assert value(ledger, c.OPEN_PUSHES) == 0


def test_a_packet_without_a_source_counts_under_unknown(open_ledger: Open) -> None:
    """What a packet does not name is ``unknown``, and takes nobody's place."""
    ledger = open_ledger(max_sources=1)
    ledger.record(entry("stream_monitor"), 1790000001)
    ledger.record(entry("recording", appname=None), 1790000001)
    labels = ("stream_monitor", "StreamBroken")
    assert value(ledger, c.QUALITY_EVENTS, "unknown", "unknown", *labels) == 1
    assert value(ledger, c.RECORDINGS, "live.test.example", "unknown", "hls") == 1
    assert value(ledger, c.OVERFLOWED_SOURCES) == 0


def test_a_source_without_a_label_takes_nobodys_place(open_ledger: Open) -> None:
    """Names too long for a label count under ``other`` while there is room for others."""
    ledger = open_ledger(max_sources=1)
    ledger.record(entry("push", app="x" * 200), 1790000001)
    ledger.record(entry("recording"), 1790000001)
    assert value(ledger, c.PUSHES, "other", "other", "mainland") == 1
    assert value(ledger, c.RECORDINGS, *SOURCE, "hls") == 1
    assert value(ledger, c.SOURCES) == 1
    assert value(ledger, c.OVERFLOWED_SOURCES) == 0


def _sourced(found: Numbers) -> set[tuple[str, ...]]:
    """Return the series of sources with labels of their own: family and labels."""
    return {key[:-1] for key in found if key[0] in STORED and key[1:3] != ("other", "other")}


def test_series_beyond_the_limit_count_under_other(open_ledger: Open) -> None:
    """What would be one series too many is counted in the same family, with its own labels."""
    ledger = open_ledger(max_series=3)
    ledger.record(PUSH, 1790000001)  # two: pushes, and active streams
    ledger.record(entry("recording"), 1790000002)  # one, and two too many
    ledger.record(entry("push", sequence="2", app="d2.example"), 1790000003)
    ledger.record(entry("push", sequence="3", set_id=7, stream_id="camera-8"), 1790000004)
    assert value(ledger, c.SERIES) == 3
    assert value(ledger, c.PUSHES, *SOURCE, "mainland") == 1
    assert value(ledger, c.RECORDINGS, *SOURCE, "hls") == 1
    assert value(ledger, c.RECORDED_SECONDS, "other", "other", "hls") == 154
    assert value(ledger, c.PUSHES, "other", "other", "mainland") == 1
    assert value(ledger, c.PUSHES, "other", "other", "overseas") == 1
    assert value(ledger, ACTIVE, "other", "other", "mainland") == 1
    assert len(_sourced(numbers(ledger))) == 3
    # Those that are there go on, whatever comes.
    ledger.record(entry("push", sequence="4"), 1790000005)
    assert value(ledger, c.PUSHES, *SOURCE, "mainland") == 2
    for number in "1234":
        ledger.record(entry("interruption", sequence=number), 1790000009)
    ledger.record(entry("interruption", sequence="1", app="d2.example"), 1790000009)
    assert value(ledger, c.SERIES) == 3


def test_a_gauge_goes_back_to_the_series_that_it_was_counted_in(open_ledger: Open) -> None:
    """Streams counted as active under ``other`` end there too, in whatever order they end."""
    ledger = open_ledger(max_series=2)
    for number, set_id in (("1", 2), ("2", 7), ("3", 2)):
        fields = {"sequence": number, "set_id": set_id, "stream_id": f"camera-{set_id}"}
        ledger.record(entry("push", **fields), 1790000001)
    assert value(ledger, ACTIVE, *SOURCE, "mainland") == 1
    assert value(ledger, ACTIVE, "other", "other", "overseas") == 1
    for number, set_id in (("2", 7), ("3", 2), ("1", 2)):
        fields = {"sequence": number, "set_id": set_id, "stream_id": f"camera-{set_id}"}
        ledger.record(entry("interruption", **fields), 1790000002)
    assert not [key for key in numbers(ledger) if key[0] == ACTIVE.name]


def test_the_series_are_counted_exactly(open_durable: Open) -> None:
    """After every sample, and after the ledger was opened again, their gauge is their number."""
    ledger = open_durable()
    for app in ("live.test.example", "d2.example"):
        for sample in all_packets().values():
            ledger.record(entry_for(parse(sample | {"app": app})), 1790000200)
    found = numbers(ledger)
    zero = {cell[:-1] for cell in _cells_at_zero(ledger)}
    assert value(ledger, c.SERIES) == len(_sourced(found) | zero)
    ledger.close()
    assert value(open_durable(), c.SERIES) == found[c.SERIES.name, ""]


def _cells_at_zero(ledger: Ledger) -> list[tuple[str, ...]]:
    """Return the sourced cells that are stored, and 0."""
    return [
        (cell.family, *cell.labels, cell.cell)
        for cell in ledger.snapshot().cells
        if not cell.value and cell.family in STORED and cell.labels[0] != "other"
    ]


def test_the_limit_of_series_is_shown(open_ledger: Open) -> None:
    """Who is to be warned before the limit must know it."""
    cells = open_ledger(max_series=77).snapshot().cells
    assert [cell.value for cell in cells if cell.family == c.MAX_SERIES.name] == [77]
