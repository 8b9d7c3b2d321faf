"""Any order and any repetition of callbacks gives the same counts, in every ledger."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.ledgers import KINDS, Numbers, entry, numbers, opening
from support.packets import all_packets

from exporter.metrics import catalogue
from exporter.metrics.entries import Entry

NOW = 1790009000.0
# Dropped for ever and at once, never pruned; watched by name and by a pattern with one place.
KEPT: dict[str, Any] = {
    "dropped_stream_minutes": 1e7,
    "return_grace_seconds": 0,
    "push_history_days": 1e5,
    "watched_streams": (("live.test.example", "stage", "camera-7"), ("other.example", "*", "*")),
    "max_watched_streams": 3,
}
DOMAINS = ("live.test.example", "other.example")
STREAMS = ("camera-7", "camera-8")
OTHERS = sorted(all_packets().keys() - {"push", "interruption"})


@st.composite
def _of_a_push(draw: st.DrawFn, number: int) -> list[Entry]:
    """Return what becomes of one sequence: its push, its interruption or both."""
    fields: dict[str, Any] = {
        "sequence": str(number),
        "app": draw(st.sampled_from(DOMAINS)),
        "stream_id": draw(st.sampled_from(STREAMS)),
        "set_id": draw(st.sampled_from((2, 7, 0))),
    }
    # Ties too, and times of a part of a millisecond.
    part = draw(st.sampled_from((0, 0.1, 0.1000001, 0.1000002, 0.9999)))
    began = 1790000000 + draw(st.integers(0, 3)) + part
    ended = {
        "event_time": began + 60,
        "errcode": draw(st.sampled_from((1, 12, 21, 99))),
        "push_duration": draw(st.integers(0, 10**8)),
    }
    both = [entry("push", **fields, event_time=began), entry("interruption", **fields, **ended)]
    return draw(st.sampled_from((both, both[:1], both[1:])))


@st.composite
def _entries(draw: st.DrawFn) -> list[Entry]:
    """Return different entries: of several pushes of few streams, and others."""
    pushes = [draw(_of_a_push(number)) for number in range(draw(st.integers(1, 6)))]
    names = draw(st.lists(st.sampled_from(OTHERS), unique=True, max_size=6))
    others = [entry(name) for name in names]
    return [one for push in pushes for one in push] + others


@st.composite
def _deliveries(draw: st.DrawFn) -> tuple[list[Entry], list[Entry]]:
    """Return different entries, and the same in some order with some repetitions."""
    once = draw(_entries())
    again = draw(st.lists(st.sampled_from(once), max_size=8))
    return once, draw(st.permutations(once + again))


def _after(kind: str, deliveries: Sequence[Entry], *without: str) -> tuple[Any, Numbers]:
    """Return the oldest open push and the numbers of a new ledger after deliveries."""
    with (
        tempfile.TemporaryDirectory() as directory,
        opening(kind, Path(directory)) as open_it,
    ):
        ledger = open_it(**KEPT)
        for one in deliveries:
            ledger.record(one, NOW)
        return ledger.snapshot().oldest_open_push, numbers(ledger, *without)


@pytest.mark.parametrize("kind", sorted(KINDS))
@settings(max_examples=40, deadline=None)
@given(_deliveries())
def test_order_and_repetition_do_not_matter(
    kind: str, deliveries: tuple[list[Entry], list[Entry]]
) -> None:
    """However entries arrive, a ledger counts what the oracle counts for each once, in order."""
    once, received = deliveries
    duplicates = catalogue.DUPLICATES.name
    assert _after(kind, received, duplicates) == _after("memory", once, duplicates)


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"memory"}))
@settings(max_examples=30, deadline=None)
@given(st.data())
def test_every_receipt_is_that_of_the_oracle(kind: str, data: st.DataObject) -> None:
    """Entry by entry a ledger gives the oracle's receipt, and at last its numbers.

    Also where the order does matter: sources and series beyond the limit, a push described in
    two ways.
    """
    once = data.draw(_entries())
    forged = [entry("push", sequence="0", set_id=7, app="d.example", event_time=1790000001)]
    received = data.draw(st.lists(st.sampled_from(once + forged), min_size=1, max_size=25))
    with (
        tempfile.TemporaryDirectory() as directory,
        opening(kind, Path(directory)) as open_it,
        opening("memory", Path(directory)) as open_oracle,
    ):
        most = {**KEPT, "max_sources": 2, "max_series": data.draw(st.sampled_from((3, 6, 30_000)))}
        ledger, oracle = open_it(**most), open_oracle(**most)
        for number, one in enumerate(received):
            now = NOW + number
            assert ledger.record(one, now) == oracle.record(one, now)
        assert numbers(ledger) == numbers(oracle)
        assert ledger.snapshot().oldest_open_push == oracle.snapshot().oldest_open_push
