"""What is expected, its report and check: exact where answers are known, else a range."""

import functools
from collections.abc import Mapping
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.families import families_of
from support.programs import free_port
from support.settings import LONG

from exporter.ledger.memory import MemoryLedger
from exporter.metrics import catalogue
from exporter.metrics.entries import entry_for
from exporter.protocol import events
from exporter.simulator.callback import Callback, SimulatedStream
from exporter.simulator.check import CheckError, Difference, Exporter, compare
from exporter.simulator.expected import Expected
from exporter.simulator.gauges import Drop, Look, Watched
from exporter.simulator.habits import Habits
from exporter.simulator.outgoing import Attempts
from exporter.simulator.report import Report, ReportError
from exporter.simulator.samples import Range, Sample, add, sample, scale_of
from exporter.simulator.world import World

BEGAN_AT = 1_800_000_000.0


def callbacks(seed: int, number: int) -> list[Callback]:
    """Return callbacks of a busy little world."""
    world = World(seed, BEGAN_AT, 8, Habits(push_seconds=300, pause_seconds=30))
    return [world.next(BEGAN_AT + index) for index in range(number)]


def shown(ledger: MemoryLedger, names: set[str]) -> Mapping[Sample, int]:
    """Return a ledger's samples of some names, in whole numbers."""
    found = {}
    for metric in families_of(ledger.snapshot()):
        for one in metric.samples:
            if one.name in names:
                key = sample(one.name, **one.labels)
                found[key] = round(one.value * scale_of(key))
    return found


@functools.cache
def compared_names() -> set[str]:
    """Return the names of all samples that may be expected."""
    expected = Expected()
    for callback in callbacks(0, 3000):
        expected.settle(callback, Attempts(recorded=2))
    return {sample.name for sample in expected.samples()}


def differences(report: Report, shown_now: Mapping[Sample, int]) -> list[Difference]:
    """Return what differs from a report if these samples are shown."""
    return compare(report, Look(shown_now, BEGAN_AT, BEGAN_AT))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_any_loss_in_any_order_stays_in_range(seed: int) -> None:
    """Whatever is lost, repeated or reordered, the ledger shows what is expected.

    An answer of 200 was recorded; without an answer a callback may have been recorded or not.
    """
    chance = Random(seed)
    ledger, expected = MemoryLedger(LONG), Expected()
    arrivals = []
    for callback in callbacks(seed % 50, 150):
        accepted = chance.choice((0, 1, 1, 1, 2))
        lost = chance.choice((0, 0, 0, 1, 2))
        expected.settle(callback, Attempts(accepted, lost))
        recorded = accepted + sum(chance.random() < 0.5 for _ in range(lost))
        arrivals += [callback] * recorded
    chance.shuffle(arrivals)
    for callback in arrivals:
        ledger.record(entry_for(events.parse(callback.packet)), BEGAN_AT + 200)
    assert differences(Report(expected.samples()), shown(ledger, compared_names())) == []


def test_without_loss_everything_is_exact() -> None:
    """If every answer is known, all samples are exact: one more or less is a difference."""
    ledger, expected = MemoryLedger(LONG), Expected()
    for number, callback in enumerate(callbacks(1, 400)):
        attempts = Attempts(recorded=number % 3)
        expected.settle(callback, attempts)
        for _ in range(attempts.recorded):
            ledger.record(entry_for(events.parse(callback.packet)), BEGAN_AT + 500)
    samples = expected.samples()
    assert all(least == most for least, most in samples.values())
    after = dict(shown(ledger, compared_names()))
    report = Report(samples)
    assert differences(report, after) == []
    for one, number in list(after.items()):
        for wrong in (number - 1, number + 1):
            (difference,) = differences(report, after | {one: wrong})
            assert (difference.sample, difference.grew) == (one, wrong)


def test_a_series_that_nobody_sent_is_a_difference() -> None:
    """What grew although nothing was sent is a difference; so is what was sent and is missing."""
    (one, _), (other, _) = (add(catalogue.CALLBACKS, event=event) for event in ("push", "relay"))
    report = Report({one: Range(2, 2)}, before={one: 5, other: 1})
    assert differences(report, {one: 7, other: 1}) == []
    assert [str(found) for found in differences(report, {one: 6, other: 2})] == [
        'tencent_css_callbacks_total{event="push"}: sent 2, shown 1',
        'tencent_css_callbacks_total{event="relay"}: sent 0, shown 1',
    ]
    assert len(differences(report, {})) == 2


def test_seconds_are_printed_as_seconds() -> None:
    """A difference in a sum of milliseconds is printed in the metric's unit."""
    total = sample(f"{catalogue.PUSH_DURATION.name}_sum", origin="mainland")
    (found,) = differences(Report({total: Range(1500, 1500)}), {total: 1250})
    assert str(found).endswith('{origin="mainland"}: sent 1.5, shown 1.25')


def test_refusals() -> None:
    """Refusals are exact, until an answer is lost: that may have been any refusal."""
    expected = Expected()
    expected.refuse("expired")
    (expired, _), (unsigned, _) = (
        add(catalogue.REJECTIONS, reason=reason) for reason in ("expired", "unsigned")
    )
    assert expected.samples()[expired] == Range(1, 1)
    assert unsigned not in expected.samples()
    expected.refuse_maybe()
    assert expected.samples()[expired] == Range(0, 2)
    assert expected.samples()[unsigned] == Range(0, 1)


def test_report_is_read_as_it_was_written() -> None:
    """A report comes back from its document with every range, also of seconds."""
    expected = Expected()
    for number, callback in enumerate(callbacks(2, 300)):
        expected.settle(callback, Attempts(recorded=number % 5 != 0, lost=number % 7 == 0))
    stream = SimulatedStream("push.example.com", "live", "a/b")
    report = Report(
        expected.samples(),
        {"seed": 2},
        {"made": 300},
        {Sample("tencent_css_pushes_total"): 4},
        (Drop(stream, "mainland", 1_800_000_000_123, certain=False),),
        (Watched(stream, None, None), Watched(stream, True, 1_800_000_000_001)),
    )
    assert any(least != most for least, most in report.samples.values())
    assert Report.read(report.document()) == report


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"samples": {"x": [{}]}, "before": null}'])
def test_what_is_no_report_is_refused(text: bytes) -> None:
    """Any other file is refused as no report."""
    with pytest.raises(ReportError, match="no report of the simulator"):
        Report.read(text)


@pytest.mark.parametrize("url", ["127.0.0.1:10063", "ftp://h/metrics", "http:///metrics"])
def test_addresses_that_are_none(url: str) -> None:
    """An address without scheme or host is refused with an example."""
    with pytest.raises(CheckError, match="no address like"):
        Exporter(url)


def test_nobody_there() -> None:
    """An exporter that does not answer is an error in words."""
    with pytest.raises(CheckError, match="cannot be read"):
        Exporter(f"http://127.0.0.1:{free_port()}").look()
