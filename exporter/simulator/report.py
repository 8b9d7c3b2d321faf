"""What a run expects, as a JSON document and back.  Pure.

    {"run": {...}, "callbacks": {...},
     "samples": {"tencent_css_pushes_total": [
        {"name": "tencent_css_pushes_total", "labels": {"origin": "mainland", ...}, "value": 7}]},
     "dropped": [
        {"push_domain": ..., "app_name": ..., "stream_id": ..., "origin": "mainland",
         "ended_at": 1800000000.123, "certain": true}],
     "watched": [
        {"push_domain": ..., "app_name": ..., "stream_id": ..., "active": true,
         "changed_at": 1800000000.123}],
     "before": null}

Values are in the metric's own units.  Where a lost answer leaves doubt, ``at_least`` and
``at_most`` stand instead of ``value``.  ``before`` holds what the exporter showed before the
run, null if it was not asked.  Some gauges depend on when one looks: for these, ``dropped``
and ``watched`` hold what is known of streams, their times in Unix seconds (see ``gauges``).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import orjson

from exporter.simulator.callback import SimulatedStream
from exporter.simulator.gauges import Drop, Watched
from exporter.simulator.samples import Range, Sample, family_of, in_units, sample, scale_of

ReportLine = dict[str, Any]


class ReportError(Exception):
    """The document is no report; the text is for the user."""


@dataclass(frozen=True, slots=True)
class Report:
    """A run, and by how much the exporter's samples must have grown since ``before``."""

    samples: Mapping[Sample, Range]
    run: Mapping[str, Any] = field(default_factory=dict)
    callbacks: Mapping[str, Any] = field(default_factory=dict)
    before: Mapping[Sample, int] | None = None
    drops: tuple[Drop, ...] = ()
    watched: tuple[Watched, ...] = ()

    def document(self) -> bytes:
        """Return the report as JSON text."""
        samples: dict[str, list[ReportLine]] = {}
        for one, span in sorted(self.samples.items()):
            samples.setdefault(family_of(one).name, []).append(_sample_line(one, span))
        before = None
        if self.before is not None:
            shown = sorted(self.before.items())
            before = [_sample_line(one, Range(n, n)) for one, n in shown if n]
        document = {
            "run": dict(self.run),
            "callbacks": dict(self.callbacks),
            "samples": samples,
            "dropped": list(map(_drop_line, self.drops)),
            "watched": list(map(_watched_line, self.watched)),
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
                dict(_samples(lines)),
                document["run"],
                document["callbacks"],
                None if before is None else {one: span.least for one, span in _samples(before)},
                tuple(map(_drop, document["dropped"])),
                tuple(map(_watched, document["watched"])),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ReportError(f"no report of the simulator ({error!r})") from error


def _sample_line(one: Sample, span: Range) -> ReportLine:
    least, most = in_units(one, span.least), in_units(one, span.most)
    value = {"value": least} if least == most else {"at_least": least, "at_most": most}
    return {"name": one.name, "labels": dict(one.labels)} | value


def _samples(lines: Iterable[ReportLine]) -> Iterator[tuple[Sample, Range]]:
    for line in lines:
        one = sample(line["name"], **line["labels"])
        scale = scale_of(one)
        ends = (line["value"],) * 2 if "value" in line else (line["at_least"], line["at_most"])
        yield one, Range(*(round(end * scale) for end in ends))


def _drop_line(one: Drop) -> ReportLine:
    known = {"origin": one.origin, "ended_at": one.ended_at_ms / 1000, "certain": one.certain}
    return one.stream._asdict() | known


def _drop(line: ReportLine) -> Drop:
    return Drop(_stream(line), line["origin"], round(line["ended_at"] * 1000), line["certain"])


def _watched_line(one: Watched) -> ReportLine:
    changed_at = None if one.changed_at_ms is None else one.changed_at_ms / 1000
    return one.stream._asdict() | {"active": one.active, "changed_at": changed_at}


def _watched(line: ReportLine) -> Watched:
    changed_at = line["changed_at"]
    changed_at_ms = None if changed_at is None else round(changed_at * 1000)
    return Watched(_stream(line), line["active"], changed_at_ms)


def _stream(line: ReportLine) -> SimulatedStream:
    return SimulatedStream(line["push_domain"], line["app_name"], line["stream_id"])
