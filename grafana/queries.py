"""What the panels ask of Prometheus: selectors, rates and targets."""

from typing import Any, Final

Target = dict[str, Any]

PROMETHEUS: Final = {"type": "prometheus", "uid": "${prometheus_datasource}"}
LOKI: Final = {"type": "loki", "uid": "${loki_datasource}"}

JOB: Final = 'job=~"$job"'
SOURCE: Final = f'{JOB}, push_domain=~"$push_domain", app_name=~"$app_name"'
ORIGIN: Final = f'{SOURCE}, origin=~"$origin"'
INSTANCE: Final = f'{JOB}, instance=~"$instance"'
ABNORMAL: Final = f'{ORIGIN}, cause!="client_stop"'

ALERTS: Final = 'ALERTS{alertname=~"TencentCSS.+", alertstate="firing", job=~"$job|"}'
"""Firing alerts of ours; one for a scrape job that is missing has no job."""

RATE: Final = "$__rate_interval"
WHOLE: Final = "$__range"


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
