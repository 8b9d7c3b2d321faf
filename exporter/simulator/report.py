"""What a run expects, as a JSON document and back.

    {"run": {...}, "callbacks": {...},
     "samples": {"tencent_css_pushes_total": [
        {"name": "tencent_css_pushes_total", "labels": {"origin": "mainland", ...}, "value": 7}]},
     "before": null}

Values are in the metric's own units.  Where a lost answer leaves doubt, ``at_least`` and
``at_most`` stand instead of ``value``.  ``before`` holds what the exporter showed before the
run, null if it was not asked.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import orjson

from exporter.simulator.samples import Range, Sample, family_of, in_units, sample, scale_of


class ReportError(Exception):
    """The document is no report; the text is for the user."""


@dataclass(frozen=True, slots=True)
class Report:
    """A run, and by how much the exporter's samples must have grown since ``before``."""

    samples: Mapping[Sample, Range]
    run: Mapping[str, Any] = field(default_factory=dict)
    callbacks: Mapping[str, Any] = field(default_factory=dict)
    before: Mapping[Sample, int] | None = None

    def document(self) -> bytes:
        """Return the report as JSON text."""
        samples: dict[str, list[dict[str, Any]]] = {}
        for one, span in sorted(self.samples.items()):
            samples.setdefault(family_of(one).name, []).append(_line(one, span))
        before = None
        if self.before is not None:
            before = [_line(one, Range(n, n)) for one, n in sorted(self.before.items()) if n]
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


def _line(one: Sample, span: Range) -> dict[str, Any]:
    least, most = in_units(one, span.least), in_units(one, span.most)
    value = {"value": least} if least == most else {"at_least": least, "at_most": most}
    return {"name": one.name, "labels": dict(one.labels)} | value


def _read(lines: Iterable[Mapping[str, Any]]) -> Iterator[tuple[Sample, Range]]:
    for line in lines:
        one = sample(line["name"], **line["labels"])
        scale = scale_of(one)
        ends = (line["value"],) * 2 if "value" in line else (line["at_least"], line["at_most"])
        yield one, Range(*(round(end * scale) for end in ends))
