"""What the panels ask of Prometheus: selectors, rates and targets."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

Target = dict[str, Any]

PROMETHEUS: Final = {"type": "prometheus", "uid": "${prometheus_datasource}"}
LOKI: Final = {"type": "loki", "uid": "${loki_datasource}"}

JOB: Final = 'job=~"$job"'
SOURCE: Final = f'{JOB}, push_domain=~"$push_domain", app_name=~"$app_name"'
ORIGIN: Final = f'{SOURCE}, origin=~"$origin"'
WATCHED: Final = f'{SOURCE}, stream_id=~"$stream_id"'
ERRCODE: Final = f'{ORIGIN}, errcode=~"$errcode"'
INSTANCE: Final = f'{JOB}, instance=~"$instance"'
ABNORMAL: Final = 'cause!="client_stop"'

RATE: Final = "$__rate_interval"
WHOLE: Final = "$__range"
MOST: Final = 8
"""Series that a graph shows by name; what is beyond them is one more series, ``OTHERS``."""

OTHERS: Final = "all others"
"""Not "other", which is a label's value."""

AT_END: Final = "@ end()"
"""Asks a graph's every point at the end of the time range, so that the same series rank
highest all along."""

SHORTER: Final = "{:.0%} are shorter"
"""What a quantile is called."""

UP: Final = (
    f"(up{{{JOB}}} and on (job, instance)"
    f" last_over_time(tencent_css_exporter_build_info{{{JOB}}}[{WHOLE}]))"
)
"""Whether each exporter is up that was so at any moment of the time range."""


def total(inner: str, by: str = "") -> str:
    """Return the sum of an expression, by labels if given."""
    return f"sum by ({by}) ({inner})" if by else f"sum({inner})"


def rate(metric: str, where: str, by: str = "", ago: str = "") -> str:
    """Return the sum of a counter's rates in 1/s, now or some time ago."""
    offset = f" offset {ago}" if ago else ""
    return total(f"rate({metric}{{{where}}}[{RATE}]{offset})", by)


def per_minute(metric: str, where: str, by: str = "", ago: str = "") -> str:
    """Return the sum of a counter's rates in 1/min, now or some time ago."""
    return f"60 * {rate(metric, where, by, ago)}"


def in_range(metric: str, where: str, by: str = "") -> str:
    """Return how much a counter grew in the dashboard's time range."""
    return total(f"increase({metric}{{{where}}}[{WHOLE}])", by)


def if_scraped(expr: str) -> str:
    """Return an expression that has a value only while the exporter is scraped."""
    return f"({expr}) and on () count(tencent_css_callbacks_total{{{JOB}}})"


def quantile(share: float, metric: str, where: str, by: str = "", window: str = RATE) -> str:
    """Return a quantile of a histogram, by labels if given."""
    labels = f"le, {by}" if by else "le"
    buckets = total(f"rate({metric}_bucket{{{where}}}[{window}])", labels)
    return f"histogram_quantile({share}, {buckets})"


def share(part: str, whole: str) -> str:
    """Return the share of a part, nothing where the whole is nothing."""
    return f"({part}) / ({whole} > 0)"


def graph(expr: str, legend: str) -> Target:
    """Return a target that is drawn over time."""
    return {
        "datasource": PROMETHEUS,
        "editorMode": "code",
        "expr": expr,
        "legendFormat": legend,
        "range": True,
    }


def highest(rank: str) -> str:
    """Return the series that rank highest; the rank must be asked ``AT_END``."""
    return f"topk({MOST}, {rank})"


def growth(metric: str, where: str, by: str) -> str:
    """Return the rank of a counter's labels by its growth in the time range."""
    return total(f"increase({metric}{{{where}}}[{WHOLE}] {AT_END})", by)


def most(expr: str, rank: str, by: str, legend: str) -> tuple[Target, Target]:
    """Return targets of the series that rank highest, and of the sum of all others.

    ``expr`` and ``rank`` have the labels ``by``.
    """
    return (
        graph(f"{expr} and on ({by}) {highest(rank)}", legend),
        graph(f"sum({expr} unless on ({by}) {highest(rank)})", OTHERS),
    )


def most_per_minute(metric: str, where: str, by: str, legend: str) -> tuple[Target, Target]:
    """Return targets of the labels by which a counter grows most, in 1/min, and of all others."""
    return most(per_minute(metric, where, by), growth(metric, where, by), by, legend)


def quantiles(
    shares: Iterable[float], metric: str, where: str, per: float = 1
) -> Iterator[Target]:
    """Yield targets of quantiles of a histogram, in units of ``per``."""
    for part in shares:
        yield graph(f"{quantile(part, metric, where)} / {per}", SHORTER.format(part))


def now(expr: str, legend: str = "") -> Target:
    """Return a target of one moment, the end of the time range."""
    return graph(expr, legend) | {"instant": True, "range": False}


def rows(expr: str) -> Target:
    """Return a target of one moment as rows of a table."""
    return now(expr) | {"format": "table"}


def buckets(expr: str) -> Target:
    """Return a target for a heatmap: increases of a histogram's buckets by le."""
    return graph(expr, "{{le}}") | {"format": "heatmap"}


def log_lines(expr: str) -> Target:
    """Return a target of log lines."""
    return {"datasource": LOKI, "editorMode": "code", "expr": expr, "queryType": "range"}
