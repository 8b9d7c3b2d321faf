"""A list of pages is read whole, or not at all."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.tencent.pages import MOST, Page, Partial, whole

SIZE = 10


def honest(items: list[int]) -> Iterator[Page[int]]:
    """Yield the pages of a list, then empty ones for ever."""
    for start in range(0, len(items) + 1, SIZE):
        yield Page(items[start : start + SIZE], len(items))
    while True:
        yield Page([], len(items))


def read(pages: Iterator[Page[int]]) -> list[int]:
    """Read pages that come one after the other, and see that they are asked for in order."""
    asked = iter(range(1, 10_000))

    def ask(number: int) -> Page[int]:
        assert number == next(asked)
        return next(pages)

    return whole(ask)


@given(st.sets(st.integers(), max_size=60))
def test_an_honest_list_is_read_whole(items: set[int]) -> None:
    """Of any length, and with no page too many."""
    assert read(honest(list(items))) == list(items)


@given(
    st.lists(st.lists(st.integers(0, 40), max_size=SIZE), min_size=8, max_size=8),
    st.lists(st.integers(0, 40), min_size=8, max_size=8),
)
def test_whatever_comes_is_whole_or_partial(pages: list[list[int]], totals: list[int]) -> None:
    """No list that is returned is shorter or longer than what all pages said."""
    answers = [Page(items, total) for items, total in zip(pages, totals, strict=True)]
    try:
        found = read(iter(answers))
    except (Partial, StopIteration):
        return
    assert len(found) == len(set(found)) == totals[0]


@pytest.mark.parametrize(
    "answers",
    [
        [Page([1], 3), Page([2], 4), Page([3], 3)],
        [Page([1, 2], 3), Page([2, 1], 3)],
        [Page([1, 2], 3), Page([], 3)],
        [Page([1, 2], 1)],
        [Page([], MOST + 1)],
    ],
    ids=["another total", "the same again", "an empty page", "too many", "absurd"],
)
def test_what_is_not_surely_whole_is_partial(answers: list[Page[int]]) -> None:
    """A total that changes, pages that repeat, end too early or hold too much."""
    with pytest.raises(Partial):
        read(iter(answers))
