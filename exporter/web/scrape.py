"""The answer to a scrape: what the ledger holds, and what this process knows of itself."""

import functools
import platform
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from importlib.metadata import version
from itertools import chain
from typing import Final

from flask import Response, request
from prometheus_client import Metric, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from exporter import DISTRIBUTION
from exporter.ledger import Ledger
from exporter.metrics import catalogue
from exporter.metrics.families import Family
from exporter.web.exposition import Showing, pieces_of, shown_until

PARTS: Final = ("ledger", "process")
SCRAPE_HEADER: Final = "X-Prometheus-Scrape-Timeout-Seconds"
"""A header that only Prometheus sends: it is shown new series at 0, see docs/reference.md."""

_END: Final = b"# EOF\n"
"""The last line of OpenMetrics."""


class Scrape:
    """Answers scrapes of one ledger."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        zero_seconds: float,
        created: bool,
        callback_keys: int,
        reconciles: bool,
        clock: Callable[[], float],
    ) -> None:
        self._ledger = ledger
        self._zero_seconds = zero_seconds
        self._created = created
        self._process = _Process(ledger, callback_keys)
        self._reconciles = reconciles
        self._clock = clock

    def answer(self, parts: Iterable[str]) -> Response:
        """Answer the request that Flask has at hand.  Raises ``LedgerUnavailable``.

        The page is written in pieces: however many series there are, memory stays flat.
        """
        began = time.perf_counter()
        encode, content_type = _encoder(request.headers.get("Accept", ""))
        openmetrics = "openmetrics" in content_type
        pieces: list[Iterable[bytes]] = []
        if "ledger" in parts:
            pieces.append(self._of_ledger(openmetrics=openmetrics))
        if "process" in parts:
            pieces.append([encode(self._process).removesuffix(_END)])

        def page() -> Iterator[bytes]:
            yield from chain.from_iterable(pieces)
            if openmetrics:
                yield _END
            self._ledger.tally(catalogue.SCRAPE_SECONDS.observe(time.perf_counter() - began))

        return Response(page(), content_type=content_type)

    def _of_ledger(self, *, openmetrics: bool) -> Iterator[bytes]:
        snapshot = self._ledger.snapshot()
        if not self._reconciles:  # else an alert would wait for what was turned off
            name = catalogue.LAST_RECONCILIATION.name
            snapshot = replace(
                snapshot, cells=[one for one in snapshot.cells if one.family != name]
            )
        now = self._clock()
        # In the text format they would be families of their own.
        created = self._created and openmetrics
        if SCRAPE_HEADER not in request.headers:
            return pieces_of(snapshot, now, Showing(openmetrics, created=created))
        until = shown_until(snapshot, self._ledger.waiting_tallies())
        showing = Showing(openmetrics, self._zero_seconds, until, created)
        # No scrape after this one may hide what this one shows.
        self._ledger.tally(catalogue.LAST_SCRAPE.at(showing.shown_until_after(snapshot, now)))
        return pieces_of(snapshot, now, showing)


class _Process(Collector):
    """What a process shows of itself, as the encoders of the client library want it."""

    def __init__(self, ledger: Ledger, callback_keys: int) -> None:
        self._ledger = ledger
        self._callback_keys = callback_keys

    def collect(self) -> Iterator[Metric]:
        """Yield the families."""
        yield _metric(catalogue.BUILD_INFO, {_build(): 1})
        yield _metric(catalogue.LEDGER_UP, {(): 0 if self._ledger.failure else 1})
        yield _metric(catalogue.CALLBACK_KEYS, {(): self._callback_keys})
        waiting = {
            one.labels: one.amount
            for one in self._ledger.waiting_tallies()
            if one.family == catalogue.REJECTIONS.name
        }
        reasons = catalogue.UNCOMMITTED_REJECTIONS.labels["reason"]
        none: dict[tuple[str, ...], int] = {(reason,): 0 for reason in reasons}
        yield _metric(catalogue.UNCOMMITTED_REJECTIONS, {**none, **waiting})
        yield from ProcessCollector(registry=None).collect()


@functools.cache
def _build() -> tuple[str, str]:
    """Return the versions of the exporter, for which files are read, and of Python."""
    return version(DISTRIBUTION), platform.python_version()


def _metric(family: Family, numbers: Mapping[tuple[str, ...], float]) -> Metric:
    """Return a gauge of the client library."""
    metric = Metric(family.name, family.help, family.kind)
    for labels, value in numbers.items():
        names = dict(zip(family.label_names, labels, strict=True))
        metric.add_sample(family.name, names, value)
    return metric


def _encoder(accept: str) -> tuple[Callable[[Collector], bytes], str]:
    # Our names need no escaping, but the scheme "dots" would double their underscores.
    accept = accept.replace("escaping=dots", "escaping=underscores")
    try:
        return choose_encoder(accept)
    except (TypeError, ValueError):  # a version that is none
        return choose_encoder("")
