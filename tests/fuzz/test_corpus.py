"""What fuzzing once found stays found."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from support.fuzzing import DURABLE, Sent, groups, sent, try_body, try_groups

from fuzz.corpus import Case, load

CASES = load()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_case_has_the_effect_it_was_kept_for(case: Case) -> None:
    """Each packet of the corpus is answered and counted as on the day when it was found."""
    assert try_body(case.sent.body()) == case.effect


@pytest.mark.parametrize("kind", DURABLE)
def test_all_cases_count_alike_in_every_ledger(kind: str) -> None:
    """The whole corpus in groups leaves a durable ledger with the oracle's numbers."""
    cases = [case.sent for case in CASES.values()]
    batches = [cases[start : start + 16] for start in range(0, len(cases), 16)]
    assert try_groups(kind, [*batches, cases[:5]]) > 10


@settings(max_examples=100, deadline=None)
@given(sent)
def test_a_body_has_one_effect(one: Sent) -> None:
    """Whatever is sent, and signed with whatever, sent again it changes nothing."""
    assert try_body(one.body())


@pytest.mark.parametrize("kind", DURABLE)
@settings(max_examples=10, deadline=None)
@given(groups)
def test_hostile_packets_count_alike_in_every_ledger(
    kind: str, batches: Sequence[Sequence[Sent]]
) -> None:
    """In groups, with any fields, a durable ledger counts what the oracle counts one by one."""
    try_groups(kind, batches)
