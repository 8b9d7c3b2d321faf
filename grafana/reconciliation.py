"""Tencent Cloud's own view of streams: whether it can be asked, and what callbacks missed."""

from typing import Final

from grafana.overrides import colours
from grafana.palette import CHANGES
from grafana.panels import TABLE_RIGHT, Panel, good_below, stat, timeseries
from grafana.queries import JOB, graph, now, per_minute

CHANGED: Final = "tencent_css_reconciliation_pushes_total"
ERRORS: Final = "tencent_css_reconciliation_errors_total"
LAST: Final = "tencent_css_reconciliation_last_success_timestamp_seconds"
OFF: Final = "No data: exporter down, or reconcile_seconds is 0"


def last_success() -> Panel:
    """Return how old the last round is that succeeded."""
    return stat(
        "Last answered",
        now(f"time() - max({LAST}{{{JOB}}})"),
        description="How long ago Tencent Cloud's API last said of all streams whether they are"
        " online. Amber from 15 minutes, red from half an hour.",
        unit="s",
        empty=OFF,
        thresholds=good_below(900, 1800),
        decimals=0,
    )


def courses() -> list[Panel]:
    """Return what rounds changed, and what failed."""
    return [
        timeseries(
            "Pushes put right per minute",
            graph(per_minute(CHANGED, JOB, "change"), "{{change}}"),
            description="opened: online, though no push event came. closed: gone, though no"
            " interruption came. withheld: more than a third of all would have been closed at"
            " once, so none was.",
            unit="none",
            empty=OFF,
            stacked=True,
            overrides=colours(CHANGES),
        ),
        timeseries(
            "Failed calls per minute by code",
            graph(f"{per_minute(ERRORS, JOB, 'code')} > 0", "{{code}}"),
            description="What each code asks for stands in docs/tencent-cloud.md and in the log.",
            unit="none",
            empty="No call failed in this time range",
            stacked=True,
            legend=TABLE_RIGHT,
        ),
    ]
