"""The simulator's sender: pace, the documented retry schedule, and what answers mean.

Played in made-up time: a plan takes the time as an argument and opens nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from exporter.sending.requests import CallbackAnswer
from exporter.simulator.forgery import Forgery
from exporter.simulator.options import Options
from exporter.simulator.outgoing import Outgoing
from exporter.simulator.plan import SendingPlan
from exporter.simulator.scenarios import SCENARIOS
from exporter.simulator.world import World

BEGAN_AT = 1_800_000_000.0
OK = CallbackAnswer(200)
REFUSED = CallbackAnswer(403, "bad_signature")

Sent = list[tuple[float, Outgoing]]


def plan_of(scenario: str = "steady", **wanted: Any) -> SendingPlan:
    """Return a plan of a run that begins at ``BEGAN_AT``."""
    options = Options(scenario, **({"streams": 40} | wanted))
    world = World(options.seed, BEGAN_AT, options.streams, SCENARIOS[scenario].habits)
    return SendingPlan(world, options, BEGAN_AT)


def played(
    plan: SendingPlan,
    answer: Callable[[float], CallbackAnswer] = lambda _: OK,
    forged: list[Forgery] | None = None,
) -> Sent:
    """Play a plan to its end and return what was delivered, with seconds since the beginning.

    What was forged is added to ``forged``.
    """
    now = BEGAN_AT
    sent: Sent = []
    while not plan.is_done(now):
        found = plan.take(now)
        if isinstance(found, float):
            now += max(found, 0.001)
        else:
            if isinstance(found, Outgoing):
                sent.append((now - BEGAN_AT, found))
            elif forged is not None:
                forged.append(found)
            plan.settle(found, answer(now - BEGAN_AT), now)
    return sent


def test_pace() -> None:
    """So many callbacks a second, for so many seconds, apart from deliveries that come again."""
    plan = plan_of(rate=50, duration=10)
    sent = played(plan)
    assert 499 <= plan.counts.callbacks <= 501
    in_second = Counter(int(at) for at, _ in sent if at < 10)
    assert all(40 <= deliveries <= 70 for deliveries in in_second.values())


def test_packets_happen_when_they_are_first_due() -> None:
    """Apart from those held back, a packet is sent in the second in which it happened."""
    sent = played(plan_of(rate=50, duration=10, late_share=0, redelivered_share=0))
    for at, outgoing in sent:
        if outgoing.callback.begins:
            assert outgoing.callback.begins.began_at_ms // 1000 == int(BEGAN_AT + at)


@pytest.mark.parametrize("time_scale", [1, 60])
def test_documented_retry_schedule(time_scale: float) -> None:
    """Whatever is refused comes again as documented for its event, then never."""
    plan = plan_of(rate=200, duration=30, time_scale=time_scale)
    times: dict[Outgoing, list[float]] = defaultdict(list)
    for at, outgoing in played(plan, lambda _: REFUSED):
        times[outgoing].append(at)
    attempts: dict[str, set[int]] = defaultdict(set)
    gaps: dict[str, set[int]] = defaultdict(set)
    for outgoing, sendings in times.items():
        event = outgoing.callback.event
        attempts[event].add(len(sendings))
        gaps[event] |= {round((b - a) * time_scale) for a, b in pairwise(sendings)}
    documented = {"screencapture": (6, 120), "subtitles": (3, 60), "smart_erase": (3, 60)}
    assert set(attempts) > {*documented, "push", "interruption", "recording", "porn_detection"}
    assert dict(attempts) == {event: {documented.get(event, (13, 60))[0]} for event in attempts}
    assert dict(gaps) == {event: {documented.get(event, (13, 60))[1]} for event in attempts}
    assert plan.counts.not_delivered.total() == plan.counts.callbacks == len(times)


@pytest.mark.parametrize(
    "answer",
    [
        *(CallbackAnswer(201), CallbackAnswer(204), CallbackAnswer(302, "HTTP 302 Found")),
        *(CallbackAnswer(503, "ledger_unavailable"), CallbackAnswer(502, "HTTP 502 Bad Gateway")),
        *(
            CallbackAnswer(reason="no answer in time"),
            CallbackAnswer(reason="Connection refused", sent=False),
        ),
    ],
)
def test_only_200_is_success(answer: CallbackAnswer) -> None:
    """Any other answer, and none, is followed by another attempt."""
    plan = plan_of(rate=20, duration=5, redelivered_share=0)
    played(plan, lambda at: answer if at < 60 else OK)
    assert plan.counts.accepted == plan.counts.callbacks
    assert plan.counts.retries > 90


def test_a_consumer_that_does_not_answer() -> None:
    """What is recorded, but not forwarded, comes again: counted once, the rest redeliveries."""
    plan = plan_of(rate=20, duration=5, redelivered_share=0)
    played(plan, lambda at: CallbackAnswer(502, "forward_unreachable") if at < 60 else OK)
    samples = plan.expected.samples()
    assert all(least == most for least, most in samples.values())
    (pushes,), (again,) = (
        [span.most for one, span in samples.items() if str(one) == f'{name}{{event="push"}}']
        for name in ("tencent_css_callbacks_total", "tencent_css_callback_duplicates_total")
    )
    assert again >= pushes > 0


def test_some_come_twice_and_some_late() -> None:
    """A share is delivered again after its 200, another begins late: so order is not kept."""
    plan = plan_of("churn", rate=100, duration=60)
    sent = played(plan)
    assert 0.01 < plan.counts.redelivered / plan.counts.callbacks < 0.03
    first: dict[str, float] = {}
    overtaken = 0
    for at, outgoing in sent:
        if outgoing.callback.ends and outgoing.callback.ends.sequence not in first:
            overtaken += 1
        if outgoing.callback.begins:
            first.setdefault(outgoing.callback.begins.sequence, at)
    assert overtaken > 3


def test_receiver_outage() -> None:
    """Nothing is sent in the middle fifth; whatever happened then comes by retries."""
    plan = plan_of("receiver-outage", rate=20, duration=100)
    sent = played(plan)
    assert not [at for at, _ in sent if 40 <= at < 60]
    assert plan.counts.accepted == plan.counts.callbacks
    assert 350 < plan.counts.retries < 450
    # A minute later pushes and the like, two minutes later screencaptures.
    bursts = Counter(at // 20 for at, outgoing in sent if at >= 100)
    assert bursts[5] > 100
    assert bursts[8] > 100


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("streams", [1, 2])
def test_few_streams(scenario: str, streams: int) -> None:
    """One host is enough for any scenario: something always happens next."""
    plan = plan_of(scenario, rate=50, duration=20, streams=streams)
    played(plan)
    assert plan.counts.accepted == plan.counts.callbacks > 500


def test_outage_interrupts_at_once() -> None:
    """The interruptions of an outage are sent in one moment, whatever the rate."""
    sent = played(plan_of("overseas-outage", rate=10, duration=100, streams=200, late_share=0))
    moments = Counter(
        at
        for at, outgoing in sent
        if outgoing.callback.ends and 40 <= at < 41 and outgoing.sent == 1
    )
    assert moments.most_common(1)[0][1] > 15


def test_errcode_spike() -> None:
    """During the spike most interruptions have the platform's errcodes, and there are more."""
    sent = played(plan_of("errcode-spike", rate=50, duration=100, late_share=0))
    ends = [(at, d.callback.packet["errcode"]) for at, d in sent if d.callback.ends]
    during = Counter(errcode in (5, 11) for at, errcode in ends if 40 <= at < 60)
    before = Counter(errcode in (5, 11) for at, errcode in ends if at < 40)
    assert during[True] > 0.9 * during.total()
    assert during.total() / 20 > 2 * before.total() / 40
    assert before[True] < 0.2 * before.total()


def test_forgeries_are_never_sent_again() -> None:
    """A forger does not retry, and a third of the requests are forged, in every way."""
    plan = plan_of("forged", rate=100, duration=30)
    forged: list[Forgery] = []
    played(plan, forged=forged)
    assert len(forged) == len(set(map(id, forged))) == plan.counts.forged
    assert 0.25 < plan.counts.forged / 3000 < 0.42
    assert {one.reason for one in forged} > {"bad_signature", "unsigned", "expired"}


def test_same_seed_same_deliveries() -> None:
    """With the same answers at the same times a seed decides everything that is sent."""
    first, second = (played(plan_of("churn", rate=50, duration=10)) for _ in range(2))
    assert [(at, d.callback) for at, d in first] == [(at, d.callback) for at, d in second]


def test_abandoned() -> None:
    """After Ctrl-C nothing more is made or sent, and what was never accepted is not claimed."""
    plan = plan_of(rate=20, duration=0)
    now = BEGAN_AT
    in_flight: list[Outgoing | Forgery] = []
    while len(in_flight) < 20:
        found = plan.take(now)
        if isinstance(found, float):
            now += found
        else:
            in_flight.append(found)
    plan.settle(in_flight[0], OK, now)
    plan.settle(in_flight[1], REFUSED, now)
    plan.abandon()
    assert not plan.is_done(now)
    for outgoing in in_flight[2:]:
        plan.settle(outgoing, REFUSED, now)
    assert plan.is_done(now)
    assert plan.counts.accepted == 1
    assert plan.counts.not_delivered.total() == plan.counts.callbacks - 1
