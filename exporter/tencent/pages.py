"""Read a list that comes in pages, whole or not at all.

Pure.  Pages may come short, twice or shifted: a list that may be incomplete is refused.
"""

from collections.abc import Callable, Hashable
from typing import Final, Generic, NamedTuple, TypeVar

T = TypeVar("T", bound=Hashable)

MOST: Final = 1_000_000
"""More items than any list that we read can have."""


class Partial(Exception):  # noqa: N818 - what was read, not a fault of ours
    """A list that was not read to its end, or changed while it was read."""


class Page(NamedTuple, Generic[T]):
    """One page: its items, and how many all pages are said to have."""

    items: list[T]
    total: int


def whole(ask: Callable[[int], Page[T]]) -> list[T]:
    """Return the items of all pages, each once, in their order.

    ``ask`` returns the page of a number, which begins at 1.  Raises ``Partial``.
    """
    page = ask(1)
    total = page.total
    if total > MOST:
        raise Partial(f"it is said to have {total} items")
    items = dict.fromkeys(page.items)
    number = 1
    while len(items) < total:
        number += 1
        before = len(items)
        page = ask(number)
        items |= dict.fromkeys(page.items)
        if page.total != total:
            raise Partial(f"the total changed from {total} to {page.total}")
        if len(items) == before:
            raise Partial(f"page {number} has nothing new, and {total - before} are missing")
    if len(items) > total:
        raise Partial(f"there are more than the total of {total}")
    return list(items)
