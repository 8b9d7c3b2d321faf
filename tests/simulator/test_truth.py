"""Truth, report and check: exact where answers are known, a range where one was lost."""

from collections.abc import Mapping
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.programs import free_port
from support.settings import LONG

from exporter.ledger.memory import MemoryLedger
from exporter.metrics import catalogue
from exporter.metrics.entries import entry_for
from exporter.protocol import events
from exporter.simulator.check import CheckError, Exporter, compare
from exporter.simulator.meaning import Callback, Sample, add
from exporter.simulator.report import Report, ReportError, scale_of
from exporter.simulator.truth import Fate, Range, Truth
from exporter.simulator.world import Habits, World
from exporter.web.exposition import families_of

BEGAN_AT = 1_800_000_000.0


def callbacks(seed: int, number: int) -> list[Callback]:
    """Return callbacks of a busy little world."""
    world = World(seed, BEGAN_AT, 8, Habits(push_seconds=300, pause_seconds=30))
    return [world.next(BEGAN_AT + index) for index in range(number)]


def shown(ledger: MemoryLedger, names: set[str]) -> Mapping[Sample, int]:
    """Return a ledger's samples of some names, in whole numbers."""
    found = {}
    for metric in families_of(ledger.snapshot(), BEGAN_AT):
        for one in metric.samples:
            if one.name in names:
                sample = Sample(one.name, tuple(sorted(one.labels.items())))
                found[sample] = round(one.value * scale_of(sample))
    return found


def compared_names() -> set[str]:
    """Return the names of all samples that some truth may hold."""
    truth = Truth()
    for callback in callbacks(0, 3000):
        truth.settle(callback, Fate(accepted=2))
    return {sample.name for sample in truth.samples()}


NAMES = compared_names()


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_any_loss_in_any_order_stays_in_range(seed: int) -> None:
    """Whatever is lost, repeated or reordered, the ledger shows what the truth allows.

    An answer of 200 was recorded; without an answer a callback may have been recorded or not.
    """
    chance = Random(seed)
    ledger, truth = MemoryLedger(LONG), Truth()
    arrivals = []
    for callback in callbacks(seed % 50, 150):
        accepted = chance.choice((0, 1, 1, 1, 2))
        lost = chance.choice((0, 0, 0, 1, 2))
        truth.settle(callback, Fate(accepted, lost))
        recorded = accepted + sum(chance.random() < 0.5 for _ in range(lost))
        arrivals += [callback] * recorded
    chance.shuffle(arrivals)
    for callback in arrivals:
        ledger.record(entry_for(events.parse(callback.packet)), BEGAN_AT + 200)
    assert compare(Report(truth.samples()), shown(ledger, NAMES)) == []


def test_without_loss_everything_is_exact() -> None:
    """If every answer is known, no sample is left in doubt, and one more or less is told."""
    ledger, truth = MemoryLedger(LONG), Truth()
    for number, callback in enumerate(callbacks(1, 400)):
        fate = Fate(accepted=number % 3)
        truth.settle(callback, fate)
        for _ in range(fate.accepted):
            ledger.record(entry_for(events.parse(callback.packet)), BEGAN_AT + 500)
    expected = truth.samples()
    assert all(least == most for least, most in expected.values())
    after = dict(shown(ledger, NAMES))
    report = Report(expected)
    assert compare(report, after) == []
    for sample, number in list(after.items()):
        for wrong in (number - 1, number + 1):
            (difference,) = compare(report, after | {sample: wrong})
            assert (difference.sample, difference.grew) == (sample, wrong)


def test_a_series_that_nobody_sent_is_a_difference() -> None:
    """What grew although nothing was sent is told, as is what was sent and is missing."""
    (one, _), (other, _) = (add(catalogue.CALLBACKS, event=event) for event in ("push", "relay"))
    report = Report({one: Range(2, 2)}, before={one: 5, other: 1})
    assert compare(report, {one: 7, other: 1}) == []
    assert [str(found) for found in compare(report, {one: 6, other: 2})] == [
        'tencent_css_callbacks_total{event="push"}: sent 2, shown 1',
        'tencent_css_callbacks_total{event="relay"}: sent 0, shown 1',
    ]
    assert len(compare(report, {})) == 2


def test_seconds_are_told_as_seconds() -> None:
    """A difference in a sum of milliseconds is told in the metric's unit."""
    total = Sample(f"{catalogue.PUSH_DURATION.name}_sum", (("origin", "mainland"),))
    (found,) = compare(Report({total: Range(1500, 1500)}), {total: 1250})
    assert str(found).endswith('{origin="mainland"}: sent 1.5, shown 1.25')


def test_refusals() -> None:
    """Refusals are exact, until an answer is lost: that may have been any refusal."""
    truth = Truth()
    truth.refuse("expired")
    (expired, _), (unsigned, _) = (
        add(catalogue.REJECTIONS, reason=reason) for reason in ("expired", "unsigned")
    )
    assert truth.samples()[expired] == Range(1, 1)
    assert unsigned not in truth.samples()
    truth.refuse_maybe()
    assert truth.samples()[expired] == Range(0, 2)
    assert truth.samples()[unsigned] == Range(0, 1)


def test_report_is_read_as_it_was_written() -> None:
    """A report comes back from its document with every range, also of seconds."""
    truth = Truth()
    for number, callback in enumerate(callbacks(2, 300)):
        truth.settle(callback, Fate(accepted=number % 5 != 0, lost=number % 7 == 0))
    report = Report(
        truth.samples(), {"seed": 2}, {"made": 300}, {Sample("tencent_css_pushes_total"): 4}
    )
    assert any(least != most for least, most in report.samples.values())
    assert Report.read(report.document()) == report


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"samples": {"x": [{}]}, "before": null}'])
def test_what_is_no_report_is_refused(text: bytes) -> None:
    """Any other file is told to be no report."""
    with pytest.raises(ReportError, match="no report of the simulator"):
        Report.read(text)


@pytest.mark.parametrize("url", ["127.0.0.1:10063", "ftp://h/metrics", "http:///metrics"])
def test_addresses_that_are_none(url: str) -> None:
    """An address without scheme or host is refused with an example."""
    with pytest.raises(CheckError, match="no address like"):
        Exporter(url)


def test_nobody_there() -> None:
    """An exporter that does not answer is told as such."""
    with pytest.raises(CheckError, match="cannot be read"):
        Exporter(f"http://127.0.0.1:{free_port()}").shows()
