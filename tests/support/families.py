"""From a ledger's snapshot to families of the client library: what ours must be equal to."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from prometheus_client import Metric

from exporter.ledger import Snapshot
from exporter.metrics import catalogue
from exporter.metrics.families import SUM, Family
from exporter.protocol.errcodes import ERRCODES

Labels = tuple[str, ...]
Cells = dict[str, int]
"""The numbers of one series: by bucket and sum for a histogram, else one without a name."""


@dataclass(slots=True)
class Series:
    """One series and the Unix time of its first event, 0 if it had none."""

    cells: Cells
    created_at: float


def families_of(snapshot: Snapshot, *, created: bool = False) -> Iterator[Metric]:
    """Yield every ledger family, in the catalogue's order, series sorted by labels.

    ``created`` adds ``_created`` samples.
    """
    series: dict[str, dict[Labels, Series]] = defaultdict(dict)
    for name, labels, cell, value, created_at in snapshot.cells:
        one = series[name].setdefault(labels, Series({}, created_at))
        one.cells[cell] = value
        one.created_at = min(one.created_at, created_at)
    for family in catalogue.LEDGER_FAMILIES:
        metric = metric_of(family)
        if family is catalogue.ERRCODE_INFO:
            for errcode in ERRCODES:
                add(metric, family, (errcode.code, errcode.cause, errcode.description), 1)
        elif family is catalogue.OLDEST_OPEN_PUSH:
            if snapshot.oldest_open_push is not None:
                add(metric, family, (), snapshot.oldest_open_push)
        else:
            shown = {**_zeros(family), **series[family.name]}
            for labels, one in sorted(shown.items()):
                _add_series(metric, family, labels, one.cells)
                if created and family.kind != "gauge" and one.created_at:
                    base = family.name.removesuffix("_total")
                    names = dict(zip(family.label_names, labels, strict=True))
                    metric.add_sample(f"{base}_created", names, one.created_at)
        yield metric


def _zeros(family: Family) -> dict[Labels, Series]:
    if not family.zeros:
        return {}
    return {labels: Series({}, 0.0) for labels in product(*family.labels.values())}


def _add_series(metric: Metric, family: Family, labels: Labels, cells: Cells) -> None:
    if family.kind == "histogram":
        _add_histogram(metric, family, labels, cells)
    else:
        add(metric, family, labels, cells.get("", 0) / family.scale)


def metric_of(family: Family) -> Metric:
    """Return a family without samples."""
    # The library names a counter without its suffix, and puts it on again.
    return Metric(family.name.removesuffix("_total"), family.help, family.kind)


def add(metric: Metric, family: Family, labels: Labels, value: float) -> None:
    """Add one sample to a counter or gauge."""
    metric.add_sample(family.name, dict(zip(family.label_names, labels, strict=True)), value)


def _add_histogram(metric: Metric, family: Family, labels: Labels, cells: Cells) -> None:
    names = dict(zip(family.label_names, labels, strict=True))
    count = 0
    for bound, bucket in zip((*family.buckets, float("inf")), family.cells, strict=True):
        count += cells.get(bucket, 0)
        le = "+Inf" if bucket == "+Inf" else str(float(bound))
        metric.add_sample(f"{family.name}_bucket", names | {"le": le}, count)
    metric.add_sample(f"{family.name}_count", names, count)
    metric.add_sample(f"{family.name}_sum", names, cells.get(SUM, 0) / family.scale)
