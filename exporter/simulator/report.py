"""The truth of a run as a JSON document, and back.

    {"run": {...}, "callbacks": {...},
     "samples": {"tencent_css_pushes_total": [
        {"name": "tencent_css_pushes_total", "labels": {"origin": "mainland", ...}, "value": 7}]},
     "before": null}

Values are in the metric's own units.  Where a lost answer leaves doubt, ``at_least`` and
``at_most`` stand in place of ``value``.  ``before`` holds what the exporter showed before the
run, null if it was not asked.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

import orjson

from exporter.metrics import catalogue
from exporter.metrics.families import Family
from exporter.simulator.meaning import Sample
from exporter.simulator.truth import Range

_PARTS: Final = ("_bucket", "_count", "_sum")


class ReportError(Exception):
    """A document that is no report; the text is for the user."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a run sent, and what an exporter must therefore show more than ``before``."""

    samples: Mapping[Sample, Range]
    run: Mapping[str, Any] = field(default_factory=dict)
    callbacks: Mapping[str, Any] = field(default_factory=dict)
    before: Mapping[Sample, int] | None = None

    def document(self) -> bytes:
        """Return the report as JSON text."""
        samples: dict[str, list[dict[str, Any]]] = {}
        for sample, span in sorted(self.samples.items()):
            samples.setdefault(family_of(sample).name, []).append(_line(sample, span))
        before = None
        if self.before is not None:
            before = [_line(sample, Range(n, n)) for sample, n in sorted(self.before.items()) if n]
        document = {
            "run": dict(self.run),
            "callbacks": dict(self.callbacks),
            "samples": samples,
            "before": before,
        }
        return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)

    @classmethod
    def read(cls, text: bytes) -> Self:
        """Return the report of a document.  Raises ``ReportError``."""
        try:
            document = orjson.loads(text)
            lines = [line for family in document["samples"].values() for line in family]
            before = document["before"]
            return cls(
                dict(_read(lines)),
                document["run"],
                document["callbacks"],
                None if before is None else {one: span.least for one, span in _read(before)},
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ReportError(f"no report of the simulator ({error!r})") from error


def family_of(sample: Sample) -> Family:
    """Return the family of a sample.  Raises ``KeyError`` for one that is not in the catalogue."""
    family = catalogue.BY_NAME.get(sample.name)
    if family:
        return family
    part = next((part for part in _PARTS if sample.name.endswith(part)), "")
    return catalogue.BY_NAME[sample.name.removesuffix(part)]


def scale_of(sample: Sample) -> int:
    """Return how many of our whole numbers make one of the sample's units."""
    return 1 if sample.name.endswith(("_bucket", "_count")) else family_of(sample).scale


def shown(sample: Sample, number: int) -> float:
    """Return a whole number in the sample's units."""
    scale = scale_of(sample)
    return number if scale == 1 else number / scale


def _line(sample: Sample, span: Range) -> dict[str, Any]:
    least, most = shown(sample, span.least), shown(sample, span.most)
    value = {"value": least} if least == most else {"at_least": least, "at_most": most}
    return {"name": sample.name, "labels": dict(sample.labels)} | value


def _read(lines: Iterable[Mapping[str, Any]]) -> Iterator[tuple[Sample, Range]]:
    for line in lines:
        sample = Sample(line["name"], tuple(sorted(line["labels"].items())))
        scale = scale_of(sample)
        ends = (line["value"],) * 2 if "value" in line else (line["at_least"], line["at_most"])
        yield sample, Range(*(round(end * scale) for end in ends))
