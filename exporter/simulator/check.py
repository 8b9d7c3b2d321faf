"""Compare what a run expects with what an exporter shows.

For every series, compared is by how much it grew since before the run, or since an empty
ledger if nobody looked before.  Exactly:

- all counters: what callbacks add, accepted callbacks, redeliveries, refusals, and those
  that must not move (overflowed sources, expired pushes);
- histograms of what packets say (push durations): every bucket, count and sum;
- active streams by source and origin, and open pushes;
- dropped streams by source and origin, and the watched streams that the run names, as they
  must be when one looks;
- of the delay of callbacks only the count: only the exporter knows when it received them.

Not compared: when the last callback came, when the oldest open push began, how many sources
and series there are, descriptions of errcodes, what the exporter measures of itself, and what
became of callbacks at a consumer behind it.
"""

import time
from collections.abc import Iterator
from http.client import HTTPException
from typing import Final, NamedTuple
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit, urlunsplit
from urllib.request import Request, urlopen

from prometheus_client.parser import text_string_to_metric_families

from exporter.metrics import catalogue
from exporter.simulator import gauges
from exporter.simulator.gauges import Look, Window
from exporter.simulator.report import Report
from exporter.simulator.samples import NOTHING, Range, Sample, in_units, le, sample, scale_of

SETTLE_SECONDS: Final = 5.0
"""How long a difference may last: refusals are committed up to a second later."""

_TIMEOUT_SECONDS: Final = 20.0
_WINDOW: Final = Window()

_COMPARED: Final = frozenset(
    family.name
    for family in catalogue.LEDGER_FAMILIES
    if family
    not in (
        catalogue.LAST_CALLBACK,
        catalogue.OLDEST_OPEN_PUSH,
        catalogue.WATCHED_LAST_CHANGE,
        catalogue.SOURCES,
        catalogue.SERIES,
        catalogue.MAX_SERIES,
        catalogue.LAST_SCRAPE,
        catalogue.ERRCODE_INFO,
        catalogue.COMMIT_SECONDS,
        catalogue.SCRAPE_SECONDS,
        catalogue.DELAY,
        catalogue.FORWARDS,
        catalogue.FORWARD_SECONDS,
    )
)
_COMPARED_SAMPLES: Final = (
    *_COMPARED,
    *(f"{catalogue.PUSH_DURATION.name}{part}" for part in ("_bucket", "_count", "_sum")),
    f"{catalogue.DELAY.name}_count",
)


class CheckError(Exception):
    """The exporter's metrics cannot be read; the text is for the user."""


class Difference(NamedTuple):
    """A sample that grew by another amount than it should have."""

    sample: Sample
    expected: Range
    grew: int

    def __str__(self) -> str:
        least, most = (f"{in_units(self.sample, end):.15g}" for end in self.expected)
        expected = least if least == most else f"{least} to {most}"
        return f"{self.sample}: sent {expected}, shown {in_units(self.sample, self.grew):.15g}"


class Exporter:
    """An exporter's private listener, asked for the metrics of its ledger."""

    def __init__(self, url: str, token: str | None = None, window: Window = _WINDOW) -> None:
        """Take the address of ``/metrics``; ``token`` is the exporter's ``metrics_token``.

        ``window`` is what its settings say of dropped streams.
        """
        self._window = window
        self._url = _metrics_url(url)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def look(self) -> Look:
        """Return all samples that can be compared, in whole numbers.  Raises ``CheckError``."""
        request = Request(self._url, headers=self._headers)  # noqa: S310 - _metrics_url checked it
        began_at = time.time()
        try:
            with urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 - as above
                text = answer.read().decode()
            found = dict(_samples(text))
        except HTTPError as error:
            error.close()
            raise CheckError(f"{self._url} answers {error.code} {error.reason}") from error
        except (OSError, HTTPException, ValueError) as error:
            raise CheckError(f"{self._url} cannot be read: {error}") from error
        if not found:
            raise CheckError(f"{self._url} shows no metrics of this exporter")
        return Look(found, began_at, time.time())

    def differences(self, report: Report) -> list[Difference]:
        """Return what differs from a report, after waiting a while for it to agree."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while (
            found := compare(report, self.look(), self._window)
        ) and time.monotonic() < deadline:
            time.sleep(0.25)
        return found


def compare(report: Report, look: Look, window: Window = _WINDOW) -> list[Difference]:
    """Return every sample that did not grow as a report says, sorted.

    ``window`` is what the exporter's settings say of dropped streams.
    """
    before = report.before or {}
    states = gauges.dropped(report.drops, window, look) | gauges.watched(report.watched)
    found = []
    for one in sorted({*report.samples, *states, *before, *look.samples}):
        if gauges.is_of_another(one, report.watched):
            continue
        shown_before = before.get(one, 0)
        if one.name == gauges.DROPPED:
            # What was dropped before is not ours: it may have come back meanwhile, or not.
            least, most = states.get(one, NOTHING)
            expected = Range(least - shown_before, most)
        elif one in states:
            expected = Range(*(end - shown_before for end in states[one]))
        else:
            expected = report.samples.get(one, NOTHING)
        grew = look.samples.get(one, 0) - shown_before
        if grew not in expected:
            found.append(Difference(one, expected, grew))
    return found


def _samples(text: str) -> Iterator[tuple[Sample, int]]:
    for family in text_string_to_metric_families(text):
        for shown in family.samples:
            if shown.name in _COMPARED_SAMPLES:
                labels = dict(shown.labels)
                if "le" in labels:
                    labels["le"] = le(float(labels["le"]))
                one = sample(shown.name, **labels)
                yield one, round(shown.value * scale_of(one))


def _metrics_url(url: str) -> str:
    """Return the address of the ledger's metrics alone.  Raises ``CheckError``."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise CheckError(f"{url} is no address like http://127.0.0.1:10063/metrics")
    path = parts.path if parts.path not in ("", "/") else "/metrics"
    query = parts.query or urlencode({"collect[]": "ledger"})
    return urlunsplit(parts._replace(path=path, query=query))
