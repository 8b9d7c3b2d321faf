"""A metric family and the increments that it allows.

Pure.  An increment can be made only through a declared family.  The ledger keeps whole
numbers: a family says how many of its units make one of the metric's (``scale``), so that
sums are the same in any order of events.
"""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Final, Literal, NamedTuple

SOURCE_LABELS: Final = ("push_domain", "app_name")
LONGEST_SOURCE_LABEL: Final = 128
"""Bytes (UTF-8) that a source label may have."""

SUM: Final = "sum"
"""Cell that holds a histogram's sum; its other cells are named by their upper bound."""


class Increment(NamedTuple):
    """What one event adds to one cell of one series.

    ``labels`` are the family's own values; the source labels come from the entry.
    """

    family: str
    labels: tuple[str, ...]
    cell: str
    amount: int


@dataclass(frozen=True, eq=False)  # a family equals only itself
class Family:
    """One metric family: what is shown, and the increments that it allows.

    ``labels`` maps each own label to its closed set of values, an empty one to any value: then the
    code that adds to it bounds how many there are.  ``sourced`` puts the source labels before
    them.  ``zeros``, of no histogram: shown at 0 from the start, for every combination of values.
    A ``latest`` gauge keeps the largest value instead of a sum.  ``of_process``: each process
    shows its own, the ledger knows nothing of it.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sourced: bool = False
    zeros: bool = False
    latest: bool = False
    of_process: bool = False
    scale: int = 1
    buckets: tuple[float, ...] = ()

    @cached_property
    def label_names(self) -> tuple[str, ...]:
        """Return all label names, source labels first."""
        return (*(SOURCE_LABELS if self.sourced else ()), *self.labels)

    @cached_property
    def cells(self) -> tuple[str, ...]:
        """Return the names of a histogram's buckets in order, ``+Inf`` last."""
        return (*(f"{bound:g}" for bound in self.buckets), "+Inf")

    def add(self, *labels: str, amount: int = 1) -> Increment:
        """Return the increment of a counter or gauge by an amount in units of 1/scale."""
        if amount == 1:
            return _one(self, labels)
        return Increment(self.name, _checked(self, labels), "", amount)

    def at(self, time: float, *labels: str) -> tuple[Increment]:
        """Return what sets a ``latest`` gauge to a Unix time, if it is not later already."""
        return (self.add(*labels, amount=round(time * self.scale)),)

    def observe(self, value: float, *labels: str) -> tuple[Increment, Increment]:
        """Return the increments of a histogram's bucket and sum for a value >= 0."""
        bucket = _one(self, labels, self.cells[bisect_left(self.buckets, value)])
        return bucket, Increment(self.name, bucket.labels, SUM, round(value * self.scale))


@lru_cache(maxsize=10_000)
def _one(family: Family, labels: tuple[str, ...], cell: str = "") -> Increment:
    return Increment(family.name, _checked(family, labels), cell, 1)


@lru_cache(maxsize=10_000)
def _checked(family: Family, labels: tuple[str, ...]) -> tuple[str, ...]:
    for value, values in zip(labels, family.labels.values(), strict=True):
        if values and value not in values:
            raise ValueError(f"{family.name} has no label value {value!r}")
    return labels
