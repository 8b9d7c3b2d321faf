"""What a scrape says, read by the client library's own parsers."""

import functools
import re
from collections.abc import Iterable

from prometheus_client import Metric
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families

PUSHES = 'tencent_css_callbacks_total{event="push"}'
DUPLICATES = 'tencent_css_callback_duplicates_total{event="push"}'
"""The series that count a push, and its redeliveries."""

_BEFORE_A_FAMILY = re.compile("^(?=# HELP )", re.MULTILINE)


def samples(text: str) -> dict[str, float]:
    """Return every sample of Prometheus' text as ``name{label="value",...}``, labels sorted."""
    found: dict[str, float] = {}
    for family in _BEFORE_A_FAMILY.split(text):
        found |= _samples_of(family)
    return found


@functools.lru_cache(2000)
def _samples_of(family: str) -> dict[str, float]:
    """Return those of one family: most have not changed since the test before looked at them."""
    return _by_series(text_string_to_metric_families(family))


def openmetrics_samples(text: str) -> dict[str, float]:
    """Return every sample of an OpenMetrics exposition in the same form."""
    return _by_series(openmetrics_families(text))


def openmetrics_families(text: str) -> Iterable[Metric]:
    """Return the families of an OpenMetrics exposition."""
    # the client library leaves its parsers without types
    found: Iterable[Metric] = openmetrics_parser.text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
    return found


def _by_series(families: Iterable[Metric]) -> dict[str, float]:
    found = {}
    for family in families:
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found
