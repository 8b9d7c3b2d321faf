"""What the pages say of a delivery, in words."""

from typing import Any

import pytest

from exporter.ledger import Delivery, Outcome
from exporter.protocol.refusals import REASONS
from exporter.web.formatting import span
from exporter.web.hints import Hint, hint_for


def refused(reason: str, **fields: Any) -> Delivery:
    return Delivery(1_790_000_000.0, "refused", reason)._replace(**fields)


def hint_of(delivery: Delivery) -> Hint:
    hint = hint_for(delivery)
    assert hint
    return hint


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0.0 s"),
        (0.26, "0.3 s"),
        (9.99, "10 s"),
        (-0.01, "0.0 s"),
        (10, "10 s"),
        (59.6, "1 min"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (3605, "1 h"),
        (7500, "2 h 5 min"),
        (90_000, "1 d 1 h"),
        (-0.5, "−0.5 s"),  # noqa: RUF001 - minus
        (-75, "−1 min 15 s"),  # noqa: RUF001 - minus
    ],
)
def test_spans_have_at_most_two_units(seconds: float, words: str) -> None:
    """A length of time is short to read, whatever its size."""
    assert span(seconds) == words


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_has_a_hint(reason: str) -> None:
    """Whatever a callback is refused for, there is advice on what to do."""
    hint = hint_of(refused(reason))
    assert hint.meaning
    assert hint.advice.endswith(".")


def test_taken_deliveries_need_no_hint() -> None:
    """An accepted callback whose times agree goes without saying; others say why they differ."""
    accepted = Delivery(1_790_000_000.0, Outcome.ACCEPTED, delay_seconds=0.3)
    assert hint_for(accepted) is None
    assert hint_for(accepted._replace(expires_in_seconds=599.5)) is None
    assert hint_for(accepted._replace(expires_in_seconds=-300.0)) is None  # a slow delivery
    assert "already counted" in hint_of(accepted._replace(outcome=Outcome.DUPLICATE)).meaning
    assert "interruption" in hint_of(accepted._replace(outcome=Outcome.LATE)).meaning


@pytest.mark.parametrize(
    ("result", "detail", "says"),
    [
        ("taken", None, None),
        ("refused", "500", "the consumer answered 500"),
        ("unreachable", "Connection refused", "could not be reached: Connection refused"),
        ("timed_out", None, "no answer in time"),
        ("overloaded", None, "too many"),
    ],
)
def test_what_the_consumer_did_has_a_hint(
    result: str, detail: str | None, says: str | None
) -> None:
    """That the consumer took a callback goes without saying, all else is explained."""
    hint = hint_for(Delivery(1.0, Outcome.ACCEPTED, f"forward_{result}", detail))
    assert (hint is None) == (says is None)
    if hint and says:
        assert says in hint.meaning
        assert "again" in hint.advice


@pytest.mark.parametrize(
    ("delivery", "off"),
    [
        (refused("expired", expires_in_seconds=-3000.0), "sent 1 h ago"),
        (refused("not_yet_valid", expires_in_seconds=4200.0), "about 1 h behind"),
        (Delivery(0.0, "accepted", expires_in_seconds=720.0), "about 2 min behind"),
        (Delivery(0.0, "accepted", delay_seconds=-120.0), "about 2 min behind"),
    ],
)
def test_a_wrong_clock_is_said_to_be_off_by_how_much(delivery: Delivery, off: str) -> None:
    """What ``t`` and the packet's own time say about this machine's clock is computed."""
    advice = hint_of(delivery).advice
    assert off in advice
    assert "clock of this machine is off" in advice


def test_hints_name_what_is_known() -> None:
    """The field, the event and the ledger's own words are part of the hint."""
    assert hint_of(refused("missing_field", detail="sequence")).meaning.endswith("sequence")
    assert "accept_unsigned" in hint_of(refused("unsigned", event="relay")).advice
    assert "accept_unsigned" not in hint_of(refused("unsigned", event="push")).advice
    assert "disk full" in hint_of(refused("ledger_unavailable", detail="disk full")).advice
