"""Samples of an exposition, and what is added to them, in whole numbers.

Pure.  A number counts units of 1/scale of its family: of ``push_duration_seconds`` it is
milliseconds.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from exporter.metrics import catalogue
from exporter.metrics.families import Family


class Sample(NamedTuple):
    """One line of an exposition: its name and its labels, sorted by name."""

    name: str
    labels: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        labels = ",".join(f'{name}="{value}"' for name, value in self.labels)
        return f"{self.name}{{{labels}}}" if labels else self.name


Addition = tuple[Sample, int]
"""A sample and how much is added to it."""


class Range(NamedTuple):
    """The least and the most that a sample may show; they are equal where nothing is in doubt."""

    least: int
    most: int

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and self.least <= number <= self.most


NOTHING: Final = Range(0, 0)

INFINITE: Final = float("inf")

_PARTS: Final = ("_bucket", "_count", "_sum")


@lru_cache(4096)  # a run adds to a few hundred, again and again
def sample(name: str, /, **labels: str) -> Sample:
    """Return the sample of a name and labels."""
    return Sample(name, tuple(sorted(labels.items())))


def add(family: Family, amount: int = 1, /, **labels: str) -> Addition:
    """Return an addition to a counter."""
    return sample(family.name, **labels), amount


def observe(family: Family, value: int, /, **labels: str) -> Iterator[Addition]:
    """Yield what one observation adds to a histogram: each bucket it lies in, count and sum."""
    for bound in (*family.buckets, INFINITE):
        if value <= bound * family.scale:
            yield sample(f"{family.name}_bucket", **labels, le=le(bound)), 1
    yield sample(f"{family.name}_count", **labels), 1
    yield sample(f"{family.name}_sum", **labels), value


def le(bound: float) -> str:
    """Return a bucket's bound as expositions spell it."""
    return "+Inf" if bound == INFINITE else str(float(bound))


def family_of(one: Sample) -> Family:
    """Return the family of a sample.  Raises ``KeyError`` for one that is not in the catalogue."""
    family = catalogue.BY_NAME.get(one.name)
    if family:
        return family
    part = next((part for part in _PARTS if one.name.endswith(part)), "")
    return catalogue.BY_NAME[one.name.removesuffix(part)]


def scale_of(one: Sample) -> int:
    """Return how many of our whole numbers make one of the sample's units."""
    return 1 if one.name.endswith(("_bucket", "_count")) else family_of(one).scale


def in_units(one: Sample, number: int) -> float:
    """Return a whole number in the sample's own units."""
    scale = scale_of(one)
    return number if scale == 1 else number / scale
