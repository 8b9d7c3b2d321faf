"""Whether the exporters are there, and when they heard something: first on two dashboards."""

from grafana.palette import ACT, GOOD
from grafana.panels import Panel, good_below, stat, steps
from grafana.queries import JOB, UP, now

NOTHING = "No data: exporter down, or no callback yet"
LAST_CALLBACK = f"tencent_css_last_callback_timestamp_seconds{{{JOB}}}"


def up() -> Panel:
    """Return how many exporters are up, and of how many."""
    counted = (
        f"avg({UP}) * on () group_left (up) count_values("
        f'"up", sum({UP})) * on () group_left (all) count_values("all", count({UP}))'
    )
    return stat(
        "Exporters up",
        now(counted, "{{up}}/{{all}}"),
        description="Exporters that are up now, of those that were up at any moment of this time"
        " range.",
        unit="percentunit",
        empty="No data: exporter down or not scraped",
        thresholds=steps((ACT, None), (GOOD, 1)),
        text_mode="name",
    )


def last_callback() -> Panel:
    """Return how long ago the last callback came."""
    return stat(
        "Last callback",
        now(f"time() - max({LAST_CALLBACK})"),
        description="Time since the last callback of any event. Amber from 5 minutes, red"
        " from 15.",
        unit="s",
        empty=NOTHING,
        thresholds=good_below(300, 900),
    )
