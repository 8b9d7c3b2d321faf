"""Reasons of refusals: each said once, each with what it means."""

from typing import get_args

from exporter.metrics.catalogue import REJECTIONS
from exporter.protocol.refusals import REASONS, STATUS, ForwardFailure, Refusal, Rejection


def test_every_word_has_its_record() -> None:
    """The types that mypy checks and the records have the same words."""
    assert tuple(REASONS) == (*get_args(Rejection), *get_args(ForwardFailure))
    assert all(word == reason.word for word, reason in REASONS.items())
    assert all(reason.meaning and reason.advice.endswith(".") for reason in REASONS.values())


def test_only_rejections_are_counted_as_such() -> None:
    """What the consumer behind us did not take is no rejection of ours."""
    assert tuple(STATUS) == REJECTIONS.labels["reason"] == get_args(Rejection)
    assert Refusal("loop").status == STATUS["loop"] == 508
    forwards = {word: Refusal(word).status for word in get_args(ForwardFailure)}
    assert forwards == {
        "forward_timed_out": 504,
        "forward_unreachable": 502,
        "forward_overloaded": 503,
    }
