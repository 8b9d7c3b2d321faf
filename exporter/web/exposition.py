"""A ledger's snapshot as the text of a scrape, in pieces.

Pure: ``now`` is an argument.  Written here and not by the client library because a scrape of
thousands of series must neither hold up callbacks nor hold them all in memory twice; the tests
compare every line with what the library writes.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, groupby, islice, product
from operator import attrgetter

from prometheus_client.utils import floatToGoString

from exporter.ledger import Cell, Snapshot
from exporter.metrics import catalogue
from exporter.metrics.families import SUM, Family, Increment
from exporter.protocol.errcodes import ERRCODES

Labels = tuple[str, ...]

_PIECE_LINES = 500
_LABELS = attrgetter("labels")


@dataclass(frozen=True, slots=True)
class Showing:
    """How a snapshot is shown.

    ``zero_seconds``: a counter or histogram series younger than that is shown at 0, unless it
    was old enough at ``shown_until``: then it was seen with its value.  ``created``: with
    ``_created`` lines, which only OpenMetrics has.
    """

    openmetrics: bool = False
    zero_seconds: float = 0
    shown_until: float = 0
    created: bool = False

    def hides(self, created_at: float, now: float) -> bool:
        """Return whether a series that began then is still shown at 0."""
        old_at = created_at + self.zero_seconds
        # One from the future is shown: a clock was wrong, and is not waited for.
        return created_at <= now < old_at and self.shown_until < old_at

    def shown_until_after(self, snapshot: Snapshot, now: float) -> float:
        """Return the ``shown_until`` of the next scrape, if this one is at ``now``."""
        future = (cell.created_at for cell in snapshot.cells if cell.created_at > now)
        last = max(future, default=now - self.zero_seconds) + self.zero_seconds
        # Not rounded down when it is stored: what was shown would not be covered.
        return max(last + 1 / catalogue.LAST_SCRAPE.scale, self.shown_until)


def pieces_of(snapshot: Snapshot, now: float, showing: Showing) -> Iterator[bytes]:
    """Yield the text of every ledger family, in the catalogue's order, series sorted by labels.

    Few pieces, none of them large.
    """
    lines = _lines_of(snapshot, now, showing)
    while piece := "".join(islice(lines, _PIECE_LINES)):
        yield piece.encode()


def _lines_of(snapshot: Snapshot, now: float, showing: Showing) -> Iterator[str]:
    cells = sorted(snapshot.cells, key=attrgetter("family"))
    stored = {name: list(own) for name, own in groupby(cells, attrgetter("family"))}
    for family in catalogue.LEDGER_FAMILIES:
        lines = _Lines(family, now, showing)
        if family is catalogue.ERRCODE_INFO:
            known = (((one.code, one.cause, one.description), 1.0) for one in ERRCODES)
            body: Iterable[str] = (lines.of_value(labels, value) for labels, value in known)
        elif family is catalogue.OLDEST_OPEN_PUSH:
            oldest = snapshot.oldest_open_push
            body = () if oldest is None else (lines.of_value((), oldest),)
        else:
            body = lines.of_cells(stored.pop(family.name, []))
        yield lines.head
        yield from body


def shown_until(snapshot: Snapshot, waiting: Iterable[Increment]) -> float:
    """Return the Unix time up to which series were seen with their values."""
    family = catalogue.LAST_SCRAPE
    stored = (cell.value for cell in snapshot.cells if cell.family == family.name)
    tallied = (one.amount for one in waiting if one.family == family.name)
    return max(chain(stored, tallied), default=0) / family.scale


class _Lines:
    """The lines of one family."""

    def __init__(self, family: Family, now: float, showing: Showing) -> None:
        self._family = family
        self._now = now
        self._showing = showing
        # The library writes labels in the order of their names.
        self._order = sorted(enumerate(family.label_names), key=lambda pair: pair[1])
        self._places = [place for place, _ in self._order]
        self._form = ",".join(f'{name}="%s"' for _, name in self._order)
        self._zeroes = family.kind != "gauge"
        self._created = showing.created and family.kind != "gauge"

    @property
    def head(self) -> str:
        """Return the lines that say what the family is."""
        family = self._family
        name = family.name.removesuffix("_total") if self._showing.openmetrics else family.name
        return f"# HELP {name} {family.help}\n# TYPE {name} {family.kind}\n"

    def of_value(self, labels: Labels, value: float) -> str:
        """Return the line of a counter or gauge."""
        return f"{self._family.name}{self._label_text(labels)} {_number(value)}\n"

    def of_cells(self, cells: list[Cell]) -> Iterator[str]:
        """Yield the lines of all series of the family: stored ones, and those that begin at 0."""
        family = self._family
        cells.sort(key=_LABELS)
        if family.kind == "histogram":
            for labels, own in groupby(cells, _LABELS):
                yield from self._histogram(labels, list(own))
            return
        if family.zeros:
            stored = {cell.labels: cell for cell in cells}
            everything = sorted(product(*family.labels.values()))
            cells = [stored.get(labels) or Cell("", labels, "", 0, 0) for labels in everything]
        for cell in cells:
            value = 0 if self._hides(cell.created_at) else cell.value / family.scale
            yield self.of_value(cell.labels, value)
            if self._created:
                yield from self._of_creation(cell.labels, cell.created_at)

    def _hides(self, created_at: float) -> bool:
        return self._zeroes and self._showing.hides(created_at, self._now)

    def _of_creation(self, labels: Labels, created_at: float) -> Iterator[str]:
        if created_at:
            name = self._family.name.removesuffix("_total")
            yield f"{name}_created{self._label_text(labels)} {_number(created_at)}\n"

    def _histogram(self, labels: Labels, cells: list[Cell]) -> Iterator[str]:
        family = self._family
        created_at = min(cell.created_at for cell in cells)
        hidden = self._hides(created_at)
        numbers = {} if hidden else {cell.cell: cell.value for cell in cells}
        name, texts = family.name, dict(self._texts(labels))
        count = 0
        for bound, cell in zip((*family.buckets, float("inf")), family.cells, strict=True):
            count += numbers.get(cell, 0)
            le = "+Inf" if cell == "+Inf" else str(float(bound))
            named = {**texts, "le": f'le="{le}"'}
            own = ",".join(named[label] for label in sorted(named))
            yield f"{name}_bucket{{{own}}} {_number(count)}\n"
        rest = self._label_text(labels)
        yield f"{name}_count{rest} {_number(count)}\n"
        yield f"{name}_sum{rest} {_number(numbers.get(SUM, 0) / family.scale)}\n"
        if self._created:
            yield from self._of_creation(labels, created_at)

    def _label_text(self, labels: Labels) -> str:
        values = [_escaped(labels[place]) for place in self._places]
        return f"{{{self._form % tuple(values)}}}" if labels else ""

    def _texts(self, labels: Labels) -> list[tuple[str, str]]:
        return [(name, f'{name}="{_escaped(labels[place])}"') for place, name in self._order]


@lru_cache(maxsize=10_000)
def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


@lru_cache(maxsize=10_000)
def _number(value: float) -> str:
    text: str = floatToGoString(value)  # type: ignore[no-untyped-call]  # the library's lack
    return text
